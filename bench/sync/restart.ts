import { setTimeout as sleep } from 'node:timers/promises';
import { resources } from '../../src/kube/index.ts';
import { round } from '../statistics.ts';
import type { Figures } from './report.ts';
import { type ScenarioSetting, withScenario } from './scenario.ts';
import { fourObjects, gitSync, nameOf, namespaceOf, namespacesFor, yaml } from './workload.ts';

const EDITED = 4321;

/**
 * Another process after one that applied everything, and a hand edit in the last GitSync while nobody ran. Measured from
 * the start of the new process until every GitSync was reconciled and the edit is reverted.
 */
export const restart =
  (n: number) =>
  async (setting: ScenarioSetting): Promise<Figures> =>
    withScenario({ ...setting, name: 'restart', namespaces: namespacesFor(n) }, async (scenario) => {
      const { progress, plane, git, watch } = scenario;
      const all = Array.from({ length: n }, (_, i) => i);
      const repository = git.repository('restart');
      repository.commit(Object.fromEntries(all.map((i) => [`${nameOf(i)}/all.yaml`, yaml(fourObjects(i))])));
      const syncs = all.map((i) => gitSync(i, repository.url, { path: nameOf(i) }));
      const { engine: first } = await progress.step(`first sync, N=${n}`, () => scenario.firstSync(syncs));
      const services = await watch(resources.services);
      const edited = { namespace: namespaceOf(n - 1), name: nameOf(n - 1) };
      const portOf = (): number | undefined =>
        (services.get(edited)?.spec as { ports: { port: number }[] } | undefined)?.ports[0]?.port;
      let [requests, started] = [0, 0];
      const engine = await scenario.restart(first, async () => {
        const body = [{ op: 'replace', path: '/spec/ports/0/port', value: EDITED }];
        await plane.admin.patch(resources.services, edited, { type: 'json', body }, { fieldManager: 'kubectl-edit' });
        while (portOf() !== EDITED) await sleep(10);
        requests = await plane.requests();
        started = performance.now();
      });
      await progress.step('another process has seen to everything', async () => {
        while (portOf() === EDITED || (await engine.metric('metricops_syncs_total')) < n) await sleep(50);
      });
      const seconds = (performance.now() - started) / 1000;
      const cpuSeconds = engine.cgroup.cpuSeconds();
      const asked = (await plane.requests()) - requests;
      progress.say(`  ${asked} requests, ${cpuSeconds.toFixed(2)} s of CPU, ${seconds.toFixed(1)} s`);
      return {
        'restart.requests': asked,
        'restart.requestsPerObject': round(asked / (4 * n), 4),
        'restart.cpuSeconds': round(cpuSeconds, 2),
        'restart.seconds': round(seconds, 2),
        'restart.memoryMiB': round(engine.cgroup.peak() / 2 ** 20),
      };
    });
