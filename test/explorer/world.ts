import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import { type ApiServer, createApiServer, type Moment } from '../support/api-server.ts';
import { definitions, gitSync, idOf, imageIn, objectsOf, policy, WORKLOAD, web } from './manifests.ts';
import { copyOfSync, newSyncState, PIECES, type Piece } from './pieces.ts';
import type { Scenario } from './scenario.ts';
import { ALERT, NAMESPACE, type Process, takeAlerts } from './shipped.ts';
import { type Alert, type Commit, isBurning, type Replica, type State, type Watch } from './state.ts';
import { createWire, type Fault, type Wire, type Written } from './wire.ts';

/** What came of one move, and what the invariants ask about it. */
export interface Outcome {
  state: State;
  written: readonly Written[];
  /** Writes that were tried: as many places for something to go wrong. */
  tried: number;
  /** What the process that moved had seen. */
  seen: Process['seen'];
}

/** Ages are whole seconds, as the API server's times are. */
const TICK_MS = 1_000;
const BEGIN = Date.parse('2026-01-01T00:00:00Z');

const WATCH_OF: ReadonlyMap<ResourceType, Watch> = new Map([
  [resources.incidents, 'incidents'],
  [resources.holds, 'holds'],
  [resources.releaseHistories, 'histories'],
  [resources.deployments, 'workloads'],
]);

export interface World {
  scenario: Scenario;
  begin(): State;
  /** A piece of work of the leader, or of one that lost its Lease in the middle of it. */
  work(state: State, piece: Piece, fault?: Fault): Promise<Outcome>;
  /** Alertmanager tells a replica of an alert. */
  deliver(state: State, to: Replica, alert: Alert, status: 'firing' | 'resolved', fault?: Fault): Promise<Outcome>;
  /** Anybody else writes something. */
  write(state: State, how: (client: ApiServer['client']) => Promise<unknown>): Promise<Outcome>;
  /** What the pods of the workload come to, as the controllers of Kubernetes say it. */
  rollOut(state: State): Promise<Outcome>;
  commit(state: State, commit: Commit): Promise<Outcome>;
}

export const createWorld = (scenario: Scenario): World => {
  let now = BEGIN;
  const server = createApiServer({ namespaces: [NAMESPACE], now: () => now, frozen: true });
  server.seed(resources.rollbackPolicies, policy(scenario.guardrails));
  for (const definition of definitions) server.seed(resources.crds, definition);
  if (scenario.isOfGit) server.seed(resources.gitSyncs, gitSync);
  const first = server.moment();

  const start = (state: State): number => {
    now = state.now + TICK_MS;
    server.requests.length = 0; // nobody asks for them, and a million states would keep them all
    server.restore(state.moment);
    return now;
  };
  const seenBy =
    (state: State, replica: Replica): Process['seen'] =>
    (type) => {
      const watch = WATCH_OF.get(type);
      return (watch && state.lag[`${replica} ${watch}`]) ?? state.moment;
    };
  const headOf = ({ commits }: State): Process['head'] => {
    const newest = commits.at(-1);
    if (!scenario.isOfGit || !newest) return undefined;
    return { commit: idOf(commits.length), objects: objectsOf(newest) };
  };
  const processOf = (state: State, wire: Wire, seen: Process['seen']): Process => ({
    wire,
    now,
    seen,
    burnedAt: (time) => isBurning(state, time),
    head: headOf(state),
  });
  const outcome = (state: State, changes: Partial<State>, wire?: Wire, seen?: Process['seen']): Outcome => ({
    state: { ...state, ...changes, now, moment: server.moment() },
    written: wire?.written ?? [],
    tried: wire?.tried() ?? 0,
    seen: seen ?? (() => state.moment),
  });

  return {
    scenario,
    begin: () => ({
      moment: first,
      now: BEGIN,
      commits: [],
      leader: 'A',
      sync: newSyncState(),
      lag: {},
      frozen: undefined,
      burns: [],
      alerts: [],
      budget: scenario.budget,
      memory: { rolledBack: [], lifted: {}, words: 0 },
    }),

    async work(state, piece, fault) {
      start(state);
      const wire = createWire(server, fault);
      const then = fault?.what === 'frozen' ? state.frozen : undefined;
      const seen = then ? () => then.moment : seenBy(state, state.leader);
      const sync = copyOfSync(then?.sync ?? state.sync);
      await PIECES[piece](processOf(state, wire, seen), sync);
      if (then && wire.tried() === 0) server.restore(state.moment);
      const remembered = then ? state.sync : fault?.what === 'crash' ? newSyncState() : sync;
      return outcome(state, { sync: remembered, ...(then ? { frozen: undefined } : {}) }, wire, seen);
    },

    async deliver(state, to, alert, status, fault) {
      start(state);
      const wire = createWire(server, fault);
      const seen = seenBy(state, to);
      const labels = { alertname: ALERT, namespace: NAMESPACE, deployment: WORKLOAD.name };
      const startsAt = new Date(alert.startsAt).toISOString();
      const answered = await takeAlerts(processOf(state, wire, seen), {
        version: '4',
        alerts: [{ status, labels, startsAt, ...(status === 'resolved' && { endsAt: endOf(alert, state) }) }],
      });
      // Alertmanager sends again what was not answered with 200.
      const alerts = state.alerts.map((one) =>
        one === alert && answered === 200 ? { ...one, delivered: status } : one,
      );
      return outcome(state, { alerts }, wire, seen);
    },

    async write(state, how) {
      start(state);
      const wire = createWire(server, undefined);
      await how(wire.client);
      return outcome(state, {}, wire);
    },

    async rollOut(state) {
      start(state);
      const live = server.get(resources.deployments, WORKLOAD.namespace, WORKLOAD.name);
      if (!live) return outcome(state, {});
      const status = { ...ROLLED_OUT, observedGeneration: live.metadata.generation };
      const options = { subresource: 'status', fieldManager: 'kube-controller-manager' };
      await server.client.patch(resources.deployments, WORKLOAD, { type: 'merge', body: { status } }, options);
      const burning = imageIn(live) === 'bad' || imageIn(live) === 'worse';
      const burns =
        burning === isBurning(state, now)
          ? state.burns
          : [...state.burns, { from: now, burning, image: imageIn(live) }];
      const alerts =
        burning && burns !== state.burns
          ? [...state.alerts, { startsAt: now, delivered: 'nothing' as const }]
          : state.alerts;
      return outcome(state, { burns, alerts });
    },

    async commit(state, commit) {
      start(state);
      const commits = [...state.commits, commit];
      if (!scenario.isOfGit) await applyByCi(server, commit);
      return outcome(state, { commits });
    },
  };
};

/** When it burned no more; Alertmanager says now of what it does not know better. */
const endOf = ({ startsAt }: Alert, { burns, now }: State): string =>
  new Date(burns.find(({ from, burning }) => from >= startsAt && !burning)?.from ?? now).toISOString();

export const ROLLED_OUT = {
  replicas: 2,
  updatedReplicas: 2,
  readyReplicas: 2,
  availableReplicas: 2,
  conditions: [
    { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
    { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
  ],
};

/** `kubectl apply` in somebody's pipeline: a merge patch of what changed. */
const applyByCi = async ({ client }: ApiServer, { image }: Commit): Promise<void> => {
  const object = web(image);
  const live = await client.get(resources.deployments, WORKLOAD);
  if (!live) return void (await client.create(resources.deployments, object));
  const body = { spec: object.spec };
  await client.patch(resources.deployments, WORKLOAD, { type: 'merge', body }, { fieldManager: 'ci' });
};

/** What is stored of a kind, in the order of its names. */
export const storedIn = <T extends KubeObject = KubeObject>({ objects }: Moment, { group, kind }: ResourceType): T[] =>
  [...(objects.get(`${group}/${kind}`)?.values() ?? [])] as T[];

export const liveIn = (moment: Moment): KubeObject | undefined =>
  storedIn(moment, resources.deployments).find(({ metadata }) => metadata.name === WORKLOAD.name);
export const holdsIn = (moment: Moment): Hold[] => storedIn<Hold>(moment, resources.holds);
export const incidentsIn = (moment: Moment): Incident[] => storedIn<Incident>(moment, resources.incidents);

/** The controllers of Kubernetes have said what became of the newest template. */
export const isRolledOut = (live: KubeObject | undefined): boolean =>
  live === undefined ||
  (live.status as { observedGeneration?: number } | undefined)?.observedGeneration === live.metadata.generation;
