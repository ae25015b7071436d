import { setImmediate } from 'node:timers/promises';
import type { KubeObject } from '../../../src/api/meta.ts';
import type { Intake } from '../../../src/incident/index.ts';
import { resources } from '../../../src/kube/index.ts';
import {
  burns as burnsWith,
  definitions,
  gitSync,
  imageIn,
  objectsOf,
  policy,
  WORKLOAD,
  web,
} from '../../explorer/manifests.ts';
import { ALERT, NAMESPACE } from '../../explorer/shipped.ts';
import type { Image } from '../../explorer/state.ts';
import { isRolledOut, ROLLED_OUT } from '../../explorer/world.ts';
import { createApiServer, type Moment } from '../../support/api-server.ts';
import { createRepositories } from '../../support/repositories.ts';
import { simulatedClock } from '../clock.ts';

const URL = 'https://git.example.com/shop.git';
const ROLLOUT_MS = 20_000;
/** Until the rules of Prometheus and the group of Alertmanager have passed on that it burns, or does no more. */
const ALERT_MS = 60_000;
/** Alertmanager sends again what was not answered with 200. */
const RETRY_MS = 10_000;
const QUIET_TURNS = 5;

/** A moment from which any number of stories go on. */
export interface Moments {
  stored: Moment;
  now: number;
  burns: readonly Burn[];
}

/** From a time on the workload burns its budget, or does no more. */
interface Burn {
  from: number;
  burning: boolean;
}

export interface SurroundingsPorts {
  isOfGit: boolean;
  /** Where it goes on; undefined: before anything was deployed. */
  since: Moments | undefined;
  /** Of the process that runs, if any. */
  intake: () => Pick<Intake, 'receive'> | undefined;
  /** Whatever followed from the last event has ended. */
  onQuiet: () => void;
}

/** What surrounds the controller: the API server, Git or CI, the rollouts of one workload, Prometheus and Alertmanager. */
export const createSurroundings = ({ isOfGit, since, intake, onQuiet }: SurroundingsPorts) => {
  const burns = [...(since?.burns ?? [])];
  let rolling: number | undefined;
  const { clock, at, run } = simulatedClock(since?.now ?? Date.parse('2026-01-01T00:00:00Z'), async () => {
    await quiet();
    rollOutLater();
    onQuiet();
  });
  const server = createApiServer({ namespaces: [NAMESPACE], now: clock.now });
  const repositories = createRepositories();
  const live = (): KubeObject | undefined => server.get(resources.deployments, WORKLOAD.namespace, WORKLOAD.name);

  /** All requests are answered in the turn of the event loop in which they are made: none for some turns, and it is over. */
  const quiet = async (): Promise<void> => {
    for (let turns = 0, before = server.requests.length; turns < QUIET_TURNS; before = server.requests.length) {
      await setImmediate();
      turns = server.requests.length === before ? turns + 1 : 0;
    }
  };
  const rollOutLater = (): void => {
    const { generation } = live()?.metadata ?? {};
    if (isRolledOut(live()) || rolling === generation) return;
    rolling = generation;
    at(clock.now() + ROLLOUT_MS, () => void rollOut());
  };
  /** As the controllers of Kubernetes say it: all pods are those of the newest template, and ready. */
  const rollOut = async (): Promise<void> => {
    const workload = live();
    if (!workload) return;
    const status = { ...ROLLED_OUT, observedGeneration: workload.metadata.generation };
    const how = { subresource: 'status', fieldManager: 'kube-controller-manager' };
    await server.client.patch(resources.deployments, WORKLOAD, { type: 'merge', body: { status } }, how);
    const burning = burnsWith(imageIn(workload));
    if (burning === (burns.at(-1)?.burning ?? false)) return;
    burns.push({ from: clock.now(), burning });
    at(clock.now() + ALERT_MS, alert);
  };
  /** As it is now, until somebody has stored it. */
  const alert = (): void => {
    const startsAt = burns.findLast(({ burning }) => burning)?.from ?? clock.now();
    const ended = burns.at(-1)?.burning ? undefined : burns.at(-1)?.from;
    const labels = { alertname: ALERT, namespace: NAMESPACE, deployment: WORKLOAD.name };
    const times = { startsAt: iso(startsAt), ...(ended === undefined ? {} : { endsAt: iso(ended) }) };
    const one = { status: ended === undefined ? 'firing' : 'resolved', labels, ...times };
    let isStored = false;
    const answer = intake()?.receive({ version: '4', alerts: [one] });
    answer?.then(
      ({ status }) => {
        isStored = status === 200;
      },
      () => {}, // no answer, as from one that died: it is sent again
    );
    at(clock.now() + RETRY_MS, () => void (isStored || alert()));
  };

  if (since) {
    server.restore(since.stored);
    at((since.burns.at(-1)?.from ?? since.now) + ALERT_MS, alert);
  } else {
    server.seed(resources.rollbackPolicies, policy({ mode: 'Auto', soak: '5m', verifyTimeout: '5m', cooldown: '10m' }));
    for (const definition of definitions) server.seed(resources.crds, definition);
    if (isOfGit) server.seed(resources.gitSyncs, gitSync);
  }
  const deploy = (image: Image): void => {
    const objects = objectsOf({ image, other: 1 }).map((object, i) => [`${i}.yaml`, JSON.stringify(object)]);
    repositories.commit(URL, Object.fromEntries(objects));
    if (!isOfGit) void server.client.apply(resources.deployments, web(image), { fieldManager: 'ci', force: true });
  };
  /** What Git says after all that was deployed. */
  if (since && isOfGit) for (const image of ['old', 'bad'] as const) deploy(image);

  return {
    server,
    clock,
    at,
    run,
    git: repositories.room,
    deploy,
    live,
    burnedAt: (time: number): boolean => burns.findLast(({ from }) => from <= time)?.burning ?? false,
    moment: (): Moments => ({ stored: server.moment(), now: clock.now(), burns: [...burns] }),
  };
};

const iso = (ms: number): string => new Date(ms).toISOString();
