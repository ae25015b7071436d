import { annotations } from '../../api/annotations.ts';
import { resources, workloadResource } from '../../kube/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { workloadWords } from '../words.ts';
import { findWorkload } from '../workload-argument.ts';
import { findSync } from './sync.ts';

export const PAUSE_HELP = `
Sync, drift correction and rollback leave a paused workload alone until it is resumed. Its releases are still recorded.

Examples:
  metricops pause deploy/web -n shop
  metricops resume deploy/web -n shop`;

export const SUSPEND_HELP = `
A suspended GitSync applies nothing from Git. Rollbacks of its workloads still happen. One that is deleted while it is
suspended deletes nothing: its objects stay as they are, for another GitSync to take over.

Examples:
  metricops suspend shop -n shop
  metricops resume shop -n shop`;

export const RESUME_HELP = `
Resumes a paused workload (deploy/NAME, sts/NAME, ds/NAME) or a suspended GitSync (sync/NAME). A name alone is either,
as long as there are not both.

Examples:
  metricops resume deploy/web -n shop
  metricops resume sync/shop -n shop`;

export const pause = (cli: Cli, text: string): Promise<void> => setPause(cli, text, true);

const setPause = async (cli: Cli, text: string, paused: boolean): Promise<void> => {
  const { key, workload } = await findWorkload(cli, text);
  if (!workload) throw new CliError(`${workloadWords(key)} is gone from ${key.namespace}.`);
  const body = { metadata: { annotations: { [annotations.pause]: paused ? 'true' : null } } };
  const changed = await cli.client.patch(workloadResource(key.kind), key, { type: 'merge', body });
  cli.print(changed, () => `${workloadWords(key)} ${paused ? 'paused' : 'resumed'}`);
};

export const suspend = (cli: Cli, name: string): Promise<void> => setSuspend(cli, name, true);

const setSuspend = async (cli: Cli, name: string, suspended: boolean): Promise<void> => {
  const sync = await findSync(cli, name);
  const body = { spec: { suspend: suspended } };
  const changed = await cli.client.patch(resources.gitSyncs, sync.metadata, { type: 'merge', body });
  cli.print(changed, () => `gitsync/${sync.metadata.name} ${suspended ? 'suspended' : 'resumed'}`);
};

export const resume = async (cli: Cli, text: string): Promise<void> => {
  const isSync = text.includes('/') ? /^(sync|gitsyncs?|gsync)\//.test(text) : await namesSync(cli, text);
  await (isSync ? setSuspend(cli, text, false) : setPause(cli, text, false));
};

/** What a name alone means. */
const namesSync = async (cli: Cli, name: string): Promise<boolean> => {
  const key = { namespace: cli.namespace, name };
  const [sync, deployment] = await Promise.all([
    cli.client.get(resources.gitSyncs, key),
    cli.client.get(workloadResource('Deployment'), key),
  ]);
  if (!sync || !deployment) return sync !== undefined;
  const both = `There are a GitSync and a Deployment ${name} in namespace ${cli.namespace}.`;
  throw new CliError(both, `\`metricops resume sync/${name}\` or \`metricops resume deploy/${name}\``);
};
