import { API_VERSION } from '../../../src/api/annotations.ts';
import type { GitSync, GitSyncInput, GitSyncSpec } from '../../../src/api/gitsync.ts';
import { createKubeClient, type KubeClient, loadConnection, resources } from '../../../src/kube/index.ts';
import { ACCOUNT } from '../../sync/plane.ts';
import type { Target } from '../attackers.ts';

/** As often as a GitSync may ask. */
export const INTERVAL = '5s';

export const clientOf = async ({ kubeconfig }: Target): Promise<KubeClient> =>
  createKubeClient(await loadConnection({ kubeconfig }));

/** A GitSync as a tenant makes it: it writes with the rights of the tenant's account. */
export const createSync = (
  client: KubeClient,
  { namespace }: Target,
  name: string,
  spec: GitSyncInput,
): Promise<GitSync> =>
  client.create<GitSync>(resources.gitSyncs, {
    apiVersion: API_VERSION,
    kind: 'GitSync',
    metadata: { namespace, name },
    spec: { interval: INTERVAL, serviceAccountName: ACCOUNT, ...spec } as GitSyncSpec,
  });

/** Does it again and again, at most so often; what fails is counted, and no reason to stop. */
export const again = async (
  everyMs: number,
  work: (n: number) => Promise<unknown>,
  say: (line: string) => void,
): Promise<void> => {
  let [done, failed, told] = [0, 0, performance.now()];
  for (let n = 0; ; n += 1) {
    const start = performance.now();
    await work(n).then(
      () => {
        done += 1;
      },
      () => {
        failed += 1;
      },
    );
    if (n === 0 || performance.now() - told > 5_000) {
      told = performance.now();
      say(`${done} done, ${failed} refused or failed`);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, everyMs - (performance.now() - start))));
  }
};
