import type { GitSync } from '../../src/api/gitsync.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { Release, ReleaseHistory } from '../../src/api/release-history.ts';
import { resources } from '../../src/kube/index.ts';
import { rulesFor } from '../../src/slo/index.ts';
import { waitFor } from '../cluster/wait.ts';
import type { Environment } from './environment.ts';
import type { Progress } from './progress.ts';
import { deployShop, type Shop, shopPolicy } from './shop.ts';
import type { TimelineEntry } from './timeline.ts';

export interface StoryResult {
  timeline: TimelineEntry[];
  incident: Incident;
  hold: Hold;
  history: ReleaseHistory;
  sync: GitSync;
  /** Requests made, and how many failed, from the first release to the last. */
  load: { sent: number; failed: number; unanswered: number };
}

/** The whole loop, once: push, sync, inject, record, alert, rollback, hold, fix. Every step waits for what a user would see. */
export const runStory = async (env: Environment, progress: Progress, namespace = 'shop'): Promise<StoryResult> => {
  const timeline: TimelineEntry[] = [];
  const mark = (what: string, at: number | string | undefined = Date.now()): void => {
    if (at !== undefined) timeline.push({ at: typeof at === 'number' ? at : Date.parse(at), what });
  };
  const shop = await progress.step('a shop from a Git repository', async () => {
    const deployed = await deployShop(env, namespace);
    await deployed.until('the shop to run', async () => ((await deployed.images()).length === 3 ? true : undefined));
    return deployed;
  });
  await progress.step('kubectl annotate deployment checkout metricops.dev/inject=true', () => optIn(env, shop));
  const policy = shopPolicy(namespace);
  await env.client.create(resources.rollbackPolicies, policy);
  await env.monitoring.setRules([rulesFor(policy)]);
  const stopLoad = await shop.load(50);
  try {
    await progress.step('a quiet time under load', () => quiet(env, namespace));
    const bad = await progress.step('git push: a release that fails 20 % of its requests', () =>
      shop.release('v2', 'checkout v2'),
    );
    mark(`pushed ${bad.slice(0, 8)}: checkout v2, which fails 20 % of its requests`);
    const suspect = await progress.step('its sidecars record it', () => recorded(shop, bad));
    mark(`release ${suspect.number} recorded by its sidecars`, suspect.firstSeenTime);
    mark(`release ${suspect.number} ready`, suspect.readyTime);
    const incident = await progress.step('the budget burns, Prometheus alerts, metricops judges', () =>
      shop.until('an incident with a verdict', async () =>
        (await shop.incidents()).find((i) => i.status?.verdict?.result === 'Guilty'),
      ),
    );
    progress.say(`  verdict: ${incident.status?.verdict?.message}`);
    await progress.step('the rollback', () =>
      shop.until('the hold to be in force', async () => (await shop.holds()).find((h) => h.status?.phase === 'Held')),
    );
    await progress.step('the pods are back on the good image', () =>
      shop.until('good pods', async () =>
        (await shop.images()).join() === Array(3).fill('metricops.dev/shop:v1').join() ? true : undefined,
      ),
    );
    mark('all pods back on v1');
    const other = await progress.step('git push: an unrelated change, applied while the release is held', async () => {
      const config = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: opening-hours\ndata:\n  today: 9 to 5\n';
      const commit = await shop.push(
        { 'shop/kustomization.yaml': KUSTOMIZATION, 'shop/opening-hours.yaml': config },
        'opening hours',
      );
      await shop.until('the unrelated change', () =>
        env.client.get(resources.configMaps, { namespace, name: 'opening-hours' }),
      );
      await shop.until('GitSync Ready and Held', async () => (isHeld(await shop.sync(), commit) ? true : undefined));
      return commit;
    });
    mark(`unrelated ${other.slice(0, 8)} applied, v2 still held`);
    const closed = await progress.step('the burn ends', () =>
      shop.until('the incident to be closed', async () =>
        (await shop.incidents()).find((i) => i.status?.closedTime !== undefined),
      ),
    );
    const fix = await progress.step('git push: the fix', async () => {
      const commit = await shop.release('v3', 'checkout v3: fixed');
      mark(`pushed ${commit.slice(0, 8)}: the fix`);
      await shop.until('the hold to be dormant', async () =>
        (await shop.holds()).find((h) => h.status?.phase === 'Dormant'),
      );
      await shop.until('fixed pods', async () =>
        (await shop.images()).join() === Array(3).fill('metricops.dev/shop:v3').join() ? true : undefined,
      );
      return commit;
    });
    mark(`fix ${fix.slice(0, 8)} runs, the hold is dormant`);
    for (const { time, phase, message } of closed.status?.timeline ?? []) mark(`incident ${phase}: ${message}`, time);
    const [history, sync, holds] = await Promise.all([shop.history(), shop.sync(), shop.holds()]);
    const [hold] = holds;
    if (!history || !sync || !hold) throw new Error('the history, the GitSync or the Hold is gone');
    return { timeline, incident: closed, hold, history, sync, load: await stopLoad() };
  } finally {
    await stopLoad();
  }
};

const KUSTOMIZATION =
  'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - checkout.yaml\n  - web.yaml\n  - opening-hours.yaml\n';

/** Opts in and waits until the injected pods have recorded the first release and it is ready. */
export const optIn = async (env: Environment, shop: Shop): Promise<Release> => {
  await env.kubectl(['annotate', 'deployment', 'checkout', '-n', shop.namespace, 'metricops.dev/inject=true']);
  return shop.until('the first recorded release, ready', async () => {
    const history = await shop.history();
    return history?.spec.releases?.find((r) => r.readyTime !== undefined && r.snapshotRef !== undefined);
  });
};

/** Samples of a good time: the release before the bad one is compared with them. */
const quiet = (env: Environment, namespace: string): Promise<true> => {
  const query = `sum(increase(http_requests_total{namespace="${namespace}",service="checkout"}[30s]))`;
  return waitFor(
    'samples of the shop in Prometheus',
    async () => ((await env.monitoring.query(query)) > 300 ? true : undefined),
    { timeoutMs: 60_000, explain: () => 'are its pods scraped?' },
  );
};

const recorded = (shop: Shop, commit: string): Promise<Release> =>
  shop.until('the release in the history, ready', async () =>
    (await shop.history())?.spec.releases?.find(
      (r) => r.commit === commit && r.readyTime !== undefined && r.images.some((i) => i.imageID !== undefined),
    ),
  );

const isHeld = (sync: GitSync | undefined, commit: string): boolean =>
  sync?.status?.heldRevision === `main@${commit}` &&
  (sync.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false);
