import type { Hold } from '../../../src/api/hold.ts';
import { isRollback } from '../../../src/api/hold.ts';
import type { Incident } from '../../../src/api/incident.ts';
import type { KubeObject } from '../../../src/api/meta.ts';
import type { ReleaseHistory } from '../../../src/api/release-history.ts';
import type { Intake } from '../../../src/incident/index.ts';
import { rollbacksIn } from '../../../src/incident/rollbacks.ts';
import { type ResourceType, resources } from '../../../src/kube/index.ts';
import { imageIn } from '../../explorer/manifests.ts';
import { queriesOf } from '../../explorer/shipped.ts';
import { startController } from './controller.ts';
import { type Death, type Mortal, mortalOf } from './mortal.ts';
import { createSurroundings, type Moments } from './surroundings.ts';

const MINUTE = 60_000;
/** Until the kubelet has started another process in the place of the one that died. */
const RESTART_MS = 5_000;
/** What else would be done once the incident is closed is done by then. */
const QUIET_MS = 10 * MINUTE;

export interface Crashes {
  /** What one process writes for one incident, from the alert to Recovered. */
  writes: readonly string[];
  /** What was wrong after the first death after which anything was. */
  problems: readonly string[];
}

/** One incident without a crash; then once for each write of it and each answer, with a process that is killed there. */
export const killAtEachWrite = async (isOfGit: boolean): Promise<Crashes> => {
  const since = await untilItBurns(isOfGit);
  const whole = await oneIncident(isOfGit, since, undefined);
  const { writes } = whole;
  const foundAfter = (what: string, { problems }: { problems: readonly string[] }): Crashes => ({
    writes,
    problems: problems.map((problem) => `${what}: ${problem}`),
  });
  if (whole.problems.length > 0) return foundAfter('without a crash', whole);
  for (const [i, words] of writes.entries())
    for (const answer of ['lost', 'given'] as const) {
      const found = await oneIncident(isOfGit, since, { after: i + 1, answer });
      if (found.problems.length > 0)
        return foundAfter(`killed at write ${i + 1}, ${words}, its answer ${answer}`, found);
    }
  return { writes, problems: [] };
};

/** A good release ran for an hour; another one that burns is rolled out, and no alert has come yet. */
const untilItBurns = async (isOfGit: boolean): Promise<Moments> => {
  let intake: Intake | undefined;
  const stage = createSurroundings({ isOfGit, since: undefined, intake: () => intake, onQuiet: () => {} });
  const { server, clock, git, burnedAt } = stage;
  const begin = clock.now();
  stage.deploy('old');
  intake = await startController({ client: server.client, clock, git, queries: queriesOf({ burnedAt }) });
  stage.at(begin + 60 * MINUTE, () => stage.deploy('bad'));
  await stage.run(begin + 90 * MINUTE, () => !burnedAt(clock.now()));
  if (!burnedAt(clock.now())) throw new Error('the release that burns was not rolled out');
  await stage.run(clock.now() + MINUTE / 2, () => true);
  return stage.moment();
};

const oneIncident = async (isOfGit: boolean, since: Moments, death: Death | undefined) => {
  let running: { mortal: Mortal; intake?: Intake } | undefined;
  let armed = false;
  let closedAt = Number.POSITIVE_INFINITY;
  let writes: readonly string[] = [];
  const holds = new Set<string>();
  const images: string[] = [];
  const problems: string[] = [];
  const list = <T extends KubeObject>(type: ResourceType): T[] => stage.server.list(type) as T[];

  const observe = (): void => {
    const incidents = list<Incident>(resources.incidents);
    for (const hold of list<Hold>(resources.holds).filter(isRollback)) holds.add(hold.metadata.uid ?? '');
    const image = imageIn(stage.live());
    if (image !== images.at(-1)) images.push(image);
    if (running && closedAt > stage.clock.now()) writes = [...running.mortal.writes];
    if (incidents.some(({ status }) => status?.closedTime !== undefined))
      closedAt = Math.min(closedAt, stage.clock.now());
    if (!running?.mortal.isDead()) return;
    running = undefined;
    // Whoever reads what it left behind must find out why the Hold is there.
    if (holds.size > 0 && incidents.every(({ status }) => status?.proposal === undefined))
      problems.push('a Hold is stored, and no incident says that it rolls back');
    stage.at(stage.clock.now() + RESTART_MS, begin);
  };
  const stage = createSurroundings({
    isOfGit,
    since,
    onQuiet: observe,
    intake() {
      if (!armed) running?.mortal.arm(death);
      armed = true;
      return running?.intake;
    },
  });
  const { server, clock, git, burnedAt } = stage;
  const begin = (): void => {
    const mortal = mortalOf(server.client, clock);
    running = { mortal };
    const ports = { client: mortal.client, clock: mortal.clock, git, queries: queriesOf({ burnedAt }) };
    startController(ports).then(
      (intake) => {
        if (running?.mortal === mortal) running.intake = intake;
      },
      (error: unknown) => problems.push(`the controller does not start: ${error}`),
    );
  };
  begin();
  await stage.run(since.now + 40 * MINUTE, () => holds.size < 2 && stage.clock.now() < closedAt + QUIET_MS);

  const incidents = list<Incident>(resources.incidents);
  const histories = list<ReleaseHistory>(resources.releaseHistories);
  const counted = rollbacksIn({ incidents: { list: () => incidents }, histories: { list: () => histories } });
  const ends = incidents.map(({ status }) => `${status?.phase} ${status?.reason}: ${status?.message}`);
  const ask = (is: boolean, problem: string): void => void (is || problems.push(problem));
  ask(holds.size === 1, `${holds.size} Holds were made`);
  ask(images.join() === 'bad,old', `it ran ${images.join(', then ')}`);
  ask(counted.length === 1, `${counted.length} rollbacks are counted`);
  ask(ends.length === 1 && ends[0]?.startsWith('Recovered') === true, `it ended with ${ends.join('; ') || 'nothing'}`);
  return { writes, problems };
};
