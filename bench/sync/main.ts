import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '../../src/api/meta.ts';
import { collectionOf, type ResourceType, resources } from '../../src/kube/index.ts';
import { buildAll, CONTROLLER_BUNDLES } from '../../tools/build.ts';
import { waitFor } from '../../tools/cluster/wait.ts';
import type { Progress } from '../../tools/demo/progress.ts';
import { percentile, round } from '../statistics.ts';
import type { Engine } from './engine.ts';
import { drawPlots, type Figures, type Sample, summed, tableOf } from './report.ts';
import { restart } from './restart.ts';
import { bareLoop, type Scenario, type ScenarioSetting, withScenario } from './scenario.ts';
import { configMap, fourObjects, gitSync, nameOf, namespaceOf, namespacesFor, yaml } from './workload.ts';

interface Setting extends ScenarioSetting {
  /** GitSyncs of the restart. */
  restartSyncs: number;
  soakMinutes: number;
  /** Of the soak, for its plot. */
  samples: Sample[];
}

const MIB = 2 ** 20;
const OBJECTS = 5_000;
const FOLDERS = 2_000;
const PUSHES = 30;
const DRIFTS = 100;

/** The public flux-benchmark's workload: N GitSyncs of four objects. */
const many =
  (n: number, { drift }: { drift: boolean }) =>
  async (setting: Setting): Promise<Figures> =>
    withScenario({ ...setting, name: `n${n}`, namespaces: namespacesFor(n) }, async (scenario) => {
      const { progress, plane, git } = scenario;
      const all = Array.from({ length: n }, (_, i) => i);
      const repository = git.repository('many');
      repository.commit(Object.fromEntries(all.map((i) => [`${nameOf(i)}/all.yaml`, yaml(fourObjects(i))])));
      const bare = await progress.step(`bare loop, ${4 * n} objects`, () =>
        bareLoop(
          plane,
          all.flatMap((i) => fourObjects(i).map((o) => bareOf(o, `bare-${i}`))),
        ),
      );
      await progress.step('the cluster as it was before', () =>
        removeBare(scenario, namespacesFor(n), [
          resources.deployments,
          resources.services,
          resources.serviceAccounts,
          ingresses,
        ]),
      );
      const syncs = all.map((i) => gitSync(i, repository.url, { path: nameOf(i) }));
      const { engine, seconds, requests } = await progress.step(`first sync, N=${n}`, () => scenario.firstSync(syncs));
      progress.say(`  ${seconds.toFixed(1)} s, bare loop ${bare.toFixed(1)} s, ${requests} requests`);
      const noop = await progress.step('everything asked again, nothing changed', () =>
        askAgain(scenario, engine, repository.url, n),
      );
      const peak = engine.cgroup.peak() / MIB;
      const drifts = drift ? await progress.step(`${DRIFTS} drifts`, () => drifting(scenario, n)) : undefined;
      return {
        [`firstSyncSeconds.n${n}`]: round(seconds, 2),
        [`bareLoopSeconds.n${n}`]: round(bare, 2),
        [`firstSyncRatio.n${n}`]: round(seconds / bare, 2),
        [`requestsPerObject.first.n${n}`]: round(requests / (4 * n), 2),
        [`requestsPerObject.noop.n${n}`]: round(noop.requests / (4 * n), 3),
        [`noopCpuSeconds.n${n}`]: round(noop.cpuSeconds, 2),
        [`noopSeconds.n${n}`]: round(noop.seconds, 2),
        [`memoryMiB.n${n}`]: round(peak),
        ...(drifts
          ? { 'driftMs.p50': round(percentile(drifts, 50)), 'driftMs.p95': round(percentile(drifts, 95)) }
          : {}),
      };
    });

const BARE = { 'app.kubernetes.io/managed-by': 'bare-loop' };
const ingresses: ResourceType = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  namespaced: true,
};

const bareOf = (object: KubeObject, name: string): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, name, labels: { ...object.metadata.labels, ...BARE } },
});

/**
 * What is there slows down what comes (the API server looks through all Services for each address that it gives out), so
 * what the bare loop made goes before the engine begins.
 */
const removeBare = async ({ plane }: Scenario, namespaces: readonly string[], types: readonly ResourceType[]) => {
  const labelSelector = Object.entries(BARE)
    .map(([label, value]) => `${label}=${value}`)
    .join();
  const query = new URLSearchParams({ labelSelector }).toString();
  for (const type of types) {
    for (const namespace of namespaces) await plane.admin.raw('DELETE', `${collectionOf(type, namespace)}?${query}`);
  }
  const left = async (type: ResourceType, selector: object): Promise<number> =>
    (await plane.admin.list(type, { metadataOnly: true, ...selector })).items.length;
  await waitFor(
    'all that the bare loop made to be gone',
    async () => {
      const counts = await Promise.all(types.map((type) => left(type, { labelSelector })));
      return counts.every((count) => count === 0) && (await left(resources.replicaSets, {})) === 0 ? true : undefined;
    },
    { timeoutMs: 300_000, everyMs: 500 },
  );
};

/** A push hook that brings nothing new, for all GitSyncs of the repository. */
const askAgain = async ({ plane }: Scenario, engine: Engine, url: string, count: number) => {
  const unchanged = () => engine.metric('metricops_syncs_total', 'result="unchanged"');
  const asked = await unchanged();
  const [requests, cpu, start] = [await plane.requests(), engine.cgroup.cpuSeconds(), performance.now()];
  await engine.push(url);
  while ((await unchanged()) < asked + count) await sleep(20);
  return {
    seconds: (performance.now() - start) / 1000,
    requests: (await plane.requests()) - requests,
    cpuSeconds: engine.cgroup.cpuSeconds() - cpu,
  };
};

/** Edits and deletions by hand in turn, each of another object, as 100 different accidents. */
const drifting = async ({ plane, watch, seen }: Scenario, n: number): Promise<number[]> => {
  const [services, accounts] = [await watch(resources.services), await watch(resources.serviceAccounts)];
  const times: number[] = [];
  for (let i = 0; i < DRIFTS; i += 1) {
    const key = { namespace: namespaceOf(i % n), name: nameOf(i % n) };
    const is = (o: KubeObject | undefined): o is KubeObject =>
      o?.metadata.name === key.name && o.metadata.namespace === key.namespace;
    if (i % 2 === 0) {
      const portOf = (o: KubeObject): number => (o.spec as { ports: { port: number }[] }).ports[0]?.port ?? 0;
      let edited = false;
      const right = seen(services, (o) => {
        if (!is(o)) return false;
        edited ||= portOf(o) === EDITED;
        return edited && portOf(o) !== EDITED;
      });
      const body = [{ op: 'replace', path: '/spec/ports/0/port', value: EDITED }];
      await plane.admin.patch(resources.services, key, { type: 'json', body }, { fieldManager: 'kubectl-edit' });
      times.push(await right);
    } else {
      const uid = accounts.get(key)?.metadata.uid;
      const back = seen(accounts, (o) => is(o) && o.metadata.uid !== uid);
      await plane.admin.delete(resources.serviceAccounts, key);
      times.push(await back);
    }
  }
  return times;
};

const EDITED = 1234;

/** One GitSync of 5,000 ConfigMaps. */
const objects5000 = async (setting: Setting): Promise<Figures> =>
  withScenario({ ...setting, name: 'objects', namespaces: namespacesFor(1) }, async (scenario) => {
    const { progress, plane, git } = scenario;
    const namespace = namespaceOf(0);
    const all = Array.from({ length: OBJECTS }, (_, i) => configMap(`cm-${i}`, namespace));
    const repository = git.repository('objects');
    const files = Map.groupBy(all, (_, i) => `part-${Math.floor(i / 100)}.yaml`);
    repository.commit(Object.fromEntries([...files].map(([file, objects]) => [file, yaml(objects)])));
    const bare = await progress.step(`bare loop, ${OBJECTS} ConfigMaps`, () =>
      bareLoop(
        plane,
        all.map((o) => bareOf(o, `bare-${o.metadata.name}`)),
      ),
    );
    await progress.step('the cluster as it was before', () =>
      removeBare(scenario, namespacesFor(1), [resources.configMaps]),
    );
    const syncs = [gitSync(0, repository.url, {})];
    const { engine, seconds } = await progress.step('first sync', () => scenario.firstSync(syncs));
    const noop = await progress.step('asked again', () => askAgain(scenario, engine, repository.url, 1));
    return {
      'firstSyncSeconds.objects5000': round(seconds, 2),
      'bareLoopSeconds.objects5000': round(bare, 2),
      'firstSyncRatio.objects5000': round(seconds / bare, 2),
      'noopSeconds.objects5000': round(noop.seconds, 3),
      'memoryMiB.objects5000': round(engine.cgroup.peak() / MIB),
    };
  });

/** A monorepo of 2,000 folders, each a GitSync; one file changes. */
const monorepo = async (setting: Setting): Promise<Figures> =>
  withScenario({ ...setting, name: 'monorepo', namespaces: namespacesFor(FOLDERS) }, async (scenario) => {
    const { progress, git, watch, seen } = scenario;
    const all = Array.from({ length: FOLDERS }, (_, i) => i);
    const repository = git.repository('monorepo');
    const file = (i: number): string => `apps/${nameOf(i)}/config.yaml`;
    repository.commit(Object.fromEntries(all.map((i) => [file(i), yaml([configMap(nameOf(i), namespaceOf(i))])])));
    const syncs = all.map((i) => gitSync(i, repository.url, { path: `apps/${nameOf(i)}` }));
    const { engine } = await progress.step(`first sync of ${FOLDERS} folders`, () => scenario.firstSync(syncs));
    const configMaps = await watch(resources.configMaps);
    const times: number[] = [];
    await progress.step(`${PUSHES} pushes`, async () => {
      for (let round = 0; round < PUSHES; round += 1) {
        const i = (round * 67) % FOLDERS;
        const seed = `push-${round}`;
        repository.commit({ [file(i)]: yaml([configMap(nameOf(i), namespaceOf(i), seed)]) });
        const applied = seen(configMaps, (o) => (o?.data as { seed?: string } | undefined)?.seed === seed);
        await engine.push(repository.url);
        times.push(await applied);
      }
    });
    return {
      'pushToAppliedMs.p50': round(percentile(times, 50)),
      'pushToAppliedMs.p95': round(percentile(times, 95)),
      'memoryMiB.monorepo': round(engine.cgroup.peak() / MIB),
    };
  });

const SOAK_SYNCS = 100;

/** A commit every two seconds. */
const soak = async (setting: Setting): Promise<Figures> =>
  withScenario({ ...setting, name: 'soak', namespaces: namespacesFor(SOAK_SYNCS) }, async (scenario) => {
    const { progress, git, watch, seen } = scenario;
    const all = Array.from({ length: SOAK_SYNCS }, (_, i) => i);
    const repository = git.repository('soak');
    const content = (i: number, seed: string): string =>
      yaml([...fourObjects(i), configMap(nameOf(i), namespaceOf(i), seed)]);
    repository.commit(Object.fromEntries(all.map((i) => [`${nameOf(i)}/all.yaml`, content(i, '')])));
    const syncs = all.map((i) => gitSync(i, repository.url, { path: nameOf(i) }));
    const { engine } = await progress.step(`first sync, N=${SOAK_SYNCS}`, () => scenario.firstSync(syncs));
    const configMaps = await watch(resources.configMaps);
    const { samples } = setting;
    const start = performance.now();
    const minutes = (): number => (performance.now() - start) / 60_000;
    await progress.step(`a commit every 2 s for ${setting.soakMinutes} minutes`, async () => {
      for (let n = 0; minutes() < setting.soakMinutes; n += 1) {
        const seed = `commit-${n}`;
        repository.commit({ [`${nameOf(n % SOAK_SYNCS)}/all.yaml`]: content(n % SOAK_SYNCS, seed) });
        const applied = seen(configMaps, (o) => (o?.data as { seed?: string } | undefined)?.seed === seed);
        await engine.push(repository.url);
        await applied;
        samples.push({ minute: minutes(), mib: engine.cgroup.workingSet() / MIB });
        if (n % 30 === 0) progress.say(`  ${samples.at(-1)?.mib.toFixed(0)} MiB after ${n} commits`);
        await sleep(Math.max(0, (n + 1) * 2000 - (performance.now() - start)));
      }
    });
    const during = (from: number, to: number): number =>
      percentile(
        samples.filter((s) => s.minute >= from && s.minute < to).map((s) => s.mib),
        50,
      );
    const [first, last] = [during(0.5, 1), during(setting.soakMinutes - 0.5, setting.soakMinutes)];
    return {
      'soakMiB.first': round(first),
      'soakMiB.last': round(last),
      soakGrowth: round(last / first, 3),
      soakCommits: samples.length,
    };
  });

/** The machine's mood differs from minute to minute: each run has its own bare loop, and the median of three counts. */
const medianOfThree =
  (scenario: (setting: Setting) => Promise<Figures>) =>
  async (setting: Setting): Promise<Figures> => {
    const runs: Figures[] = [];
    for (let run = 0; run < 3; run += 1) runs.push(await scenario(setting));
    const names = Object.keys(runs[0] ?? {});
    const median = (name: string): number =>
      percentile(
        runs.map((figures) => figures[name] ?? Number.NaN),
        50,
      );
    return Object.fromEntries(names.map((name) => [name, median(name)]));
  };

const SCENARIOS: Record<string, (setting: Setting) => Promise<Figures>> = {
  n100: many(100, { drift: true }),
  n500: many(500, { drift: false }),
  n1000: medianOfThree(many(1000, { drift: false })),
  objects5000: medianOfThree(objects5000),
  restart: (setting) => restart(setting.restartSyncs)(setting),
  monorepo,
  soak,
};
/** Names for several of them. */
const GROUPS: Readonly<Record<string, readonly string[]>> = { first: ['n1000', 'objects5000'] };
export const SYNC_SCENARIOS = [...Object.keys(SCENARIOS), ...Object.keys(GROUPS)];

/** The reconciler against a bare client loop, on control planes of their own. Needs root, for the control group. */
export const benchSync = async (
  progress: Progress,
  {
    only: asked,
    plots,
    ...sizes
  }: { only: readonly string[]; soakMinutes: number; restartSyncs: number; plots: boolean },
): Promise<Figures> => {
  const only = asked.flatMap((name) => GROUPS[name] ?? [name]);
  const unknown = only.find((name) => !(name in SCENARIOS));
  if (unknown !== undefined) throw new Error(`no scenario "${unknown}"; there are ${SYNC_SCENARIOS.join(', ')}`);
  const dist = mkdtempSync(join(tmpdir(), 'metricops-bench-'));
  try {
    await progress.step('the bundles', () => buildAll(dist, { only: CONTROLLER_BUNDLES }));
    const samples: Sample[] = [];
    const measured: Figures = {};
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      if (only.length > 0 && !only.includes(name)) continue;
      Object.assign(measured, await scenario({ dist, progress, samples, ...sizes }));
    }
    const figures = summed(measured);
    progress.say(tableOf(figures));
    if (plots) for (const file of drawPlots(figures, samples)) progress.say(`  drew ${file}`);
    return figures;
  } finally {
    rmSync(dist, { recursive: true });
  }
};
