import type { RollbackHold } from '../api/hold.ts';
import { describeKey, type KubeObject } from '../api/meta.ts';
import { templateWriters } from '../ssa/template-writers.ts';
import { CONTEST } from './contest.ts';
import { workloadOf } from './rules.ts';

/** The rejected release is back: since when it is rolled back again. */
export const backWords = (hold: RollbackHold, live: KubeObject, waitMs: number): string => {
  const said = `${describeKey(workloadOf(hold))}: ${writerOf(live)} applied a rejected release again`;
  return waitMs === 0 ? said : `${said}; it is rolled back again in ${Math.ceil(waitMs / 1000)} s`;
};

export const contestedWords = (hold: RollbackHold, live: KubeObject, now: number): string => {
  const times = (hold.status?.reapplied ?? []).filter(({ time }) => now - Date.parse(time) < CONTEST.windowMs).length;
  const { kind, name } = hold.spec.workloadRef;
  const minutes = CONTEST.windowMs / 60_000;
  return [
    `${describeKey(workloadOf(hold))} runs a rejected release: ${writerOf(live)} applied it again after ${times} rollbacks in ${minutes} minutes, so it is rolled back once in ${minutes} minutes only`,
    `stop what applies it, or let it run: metricops lift ${kind.toLowerCase()}/${name} -n ${hold.metadata.namespace}`,
  ].join('; ');
};

const OWN = 'metricops';

const writerOf = (live: KubeObject): string => {
  const manager = templateManagerOf(live);
  return manager === undefined ? 'somebody' : `field manager ${manager}`;
};

/** Who wrote the template last, as the API server noted it; undefined where only metricops did. */
export const templateManagerOf = (live: KubeObject): string | undefined =>
  templateWriters(live).find(({ manager }) => !manager.startsWith(OWN))?.manager;
