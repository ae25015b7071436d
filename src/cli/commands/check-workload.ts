import type { Hold } from '../../api/hold.ts';
import type { RollbackPolicy } from '../../api/rollback-policy.ts';
import { resources } from '../../kube/index.ts';
import { readPlatformPolicy } from '../../policy/platform-policy.ts';
import { rollbackPath } from '../../read-model/index.ts';
import type { Cli } from '../context.ts';
import { coverage } from '../coverage.ts';
import { unlessForbidden } from '../forbidden.ts';
import { CliError } from '../io.ts';
import { workloadWords } from '../words.ts';
import { findWorkload } from '../workload-argument.ts';
import { type Finding, printFindings } from './findings.ts';

/** Would a burn of this workload lead to a rollback, and if not, why not? */
export const checkWorkload = async (cli: Cli, text: string): Promise<void> =>
  printFindings(cli, await workloadFindings(cli, text));

/** Each step from a burn of the workload to a rollback. Rejects where it is not there. */
export const workloadFindings = async (cli: Cli, text: string): Promise<Finding[]> => {
  const { key, workload, history } = await findWorkload(cli, text);
  const { namespace } = key;
  if (!workload) throw new CliError(`There is no ${workloadWords(key)} in namespace ${namespace} any more.`);
  const [space, holds, policies, platform, covered] = await Promise.all([
    cli.client.get(resources.namespaces, { name: namespace }).catch(unlessForbidden),
    cli.client.list<Hold>(resources.holds, { namespace }),
    cli.client.list<RollbackPolicy>(resources.rollbackPolicies, { namespace }),
    readPlatformPolicy(cli.client),
    coverage(cli.client, { namespace }).catch(unlessForbidden),
  ]);
  const steps = rollbackPath(
    key,
    {
      workload,
      namespace: space,
      coverage: covered?.find((one) => one.workload.kind === key.kind && one.workload.name === key.name),
      history,
      holds: holds.items,
      policies: policies.items,
      platform: platform.spec,
    },
    cli.io.now(),
  );
  const unread: Finding[] = platform.isKnown
    ? []
    : [{ name: 'platform', result: 'skipped', message: 'you may not read the PlatformPolicy, which may allow less' }];
  return [...steps, ...unread];
};
