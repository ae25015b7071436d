import type { GitSync } from '../../api/gitsync.ts';
import type { PlatformPolicySpec } from '../../api/platform-policy.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { type Charts, type ChartsPorts, createCharts } from '../../charts/charts.ts';
import type { Guard } from '../../guard.ts';
import { refusalOfSync, refusalOfUrl } from '../../policy/platform.ts';
import { parseDocuments, type RenderPorts } from '../../render/index.ts';
import type { Log } from '../../telemetry/index.ts';
import type { Registry } from '../state/registry.ts';

type ChartWatchPorts = Pick<ChartsPorts, 'credentials' | 'clock' | 'random' | 'store'> & {
  render: Pick<RenderPorts, 'parser'>;
  log: Log;
  guard: Guard;
  registry: Pick<Registry, 'rendersOf'>;
  /** With the platform's defaults. */
  syncOf: (key: string) => GitSync | undefined;
  policy: () => PlatformPolicySpec;
  enqueue: (key: string) => void;
};

/** The charts of GitSyncs that are not in their sources; a new version of one sets those going that render it. */
export const watchCharts = ({ render, log, guard, registry, syncOf, policy, ...ports }: ChartWatchPorts): Charts =>
  createCharts({
    ...ports,
    usersOf: (key) =>
      [...registry.rendersOf(key)].flatMap((name) => {
        const sync = syncOf(name);
        const isAtRest = !sync || sync.spec.suspend || sync.metadata.deletionTimestamp !== undefined;
        return isAtRest || refusalOfSync(sync, policy()) ? [] : [sync];
      }),
    refuse(sync, url) {
      const refused = refusalOfUrl(sync, url, policy());
      if (refused) throw new ReasonError(refused.reason, refused.message);
    },
    documentsOf: async (text, file, tenant) =>
      render.parser?.documents({ text, file }, tenant) ?? parseDocuments(text, file),
    onChange: ports.enqueue,
    onError: (err, repository) => log.error({ err, repository }, 'chart repository poll failed'),
    onUnforeseen: (error, repository) => guard.note(repository, error),
  });
