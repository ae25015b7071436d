import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import { describe, it } from 'mocha';
import { mutants } from '../../explorer/mutants.ts';
import type { Edit } from '../../support/mutate.ts';
import { type Crashes, killAtEachWrite } from './crash.ts';

/** The least that is written for a rollback, in this order. */
const COURSE = ['create Incident', 'replace Incident/status', 'create Hold', 'patch Hold/status'];

describe('a controller that is killed at each of its writes in turn', () => {
  for (const [workload, isOfGit] of [
    ['a workload of a GitSync', true],
    ['a workload that CI applies', false],
  ] as const)
    it(`rolls ${workload} back exactly once, and the incident ends`, async () => {
      const { writes, problems } = await killAtEachWrite(isOfGit);
      assert.deepEqual(problems, []);
      assert.deepEqual(
        COURSE.filter((words) => !writes.includes(words)),
        [],
        writes.join(', '),
      );
    }).timeout(60_000);
});

describe('the crash test', () => {
  const taken = (words: string): readonly Edit[] => mutants.find((one) => one.words === words)?.edits ?? [];
  const ACTIONS = 'src/incident/actions.ts';
  const intent = `...(isNews(incident, status) ? [{ kind: 'WriteStatus', incident: { ...incident, status } } as const] : []),`;
  const hold = `...(hold ? [{ kind: 'CreateHold', hold } as const] : []),`;

  for (const [words, edits, found] of [
    [
      'the Hold is created before the intent is stored',
      [
        { file: ACTIONS, search: intent, replace: '' },
        { file: ACTIONS, search: hold, replace: `${hold} ${intent}` },
      ],
      /a Hold is stored, and no incident says that it rolls back/,
    ],
    [
      'a decision whose leader died before it created the Hold is not taken up',
      taken('a decision whose leader died before it created the Hold is not taken up'),
      /0 Holds were made/,
    ],
    [
      'a Hold that is not noted yet is not seen, and made again under another name',
      [
        {
          file: 'src/incident/rolling-back.ts',
          search: 'if (hold) return follow(',
          replace: 'if (hold && holdRef) return follow(',
        },
        {
          file: 'src/holds/create-hold.ts',
          search: 'if (other && !isSpent(other, hold))',
          replace: `if (other && !hold.metadata.name.endsWith('x'))
            return createHold({ ...hold, metadata: { ...hold.metadata, name: hold.metadata.name + 'x' } }, client);
          if (other && !isSpent(other, hold))`,
        },
      ],
      /2 Holds were made/,
    ],
  ] as const)
    it(`notices that ${words}`, async () => {
      assert.ok(edits.length > 0);
      const { problems } = await killedIn(edits);
      assert.match(problems.join('\n'), found);
    }).timeout(60_000);
});

const killedIn = (edits: readonly Edit[]): Promise<Crashes> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: edits });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the worker of the crash test exited before it answered')));
  });
