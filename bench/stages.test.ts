import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type Rollback, slowest } from './stages.ts';

const rollback = (name: string, applied: number): Rollback => ({
  name,
  stored: 10,
  decided: 40,
  hold: 38,
  applied,
  ready: 2_000,
  prometheus: 12.4,
  waits: 'kube-apiserver 70 ms, controller.js 3 ms',
  runs: 'kube-apiserver 90 ms, kubelet 12 ms',
  undecided: [],
});

describe('the stages of a rollback', () => {
  it('are said of the slowest, slowest first', () => {
    const lines = slowest([rollback('a', 60), rollback('b', 800), rollback('c', 50), rollback('d', 300)]);
    assert.deepEqual(
      lines.map((line) => line.slice(0, line.indexOf(' ms'))),
      ['b: 800', 'd: 300', 'a: 60'],
    );
    assert.equal(
      lines[0],
      'b: 800 ms: alert → incident stored 10 ms, → Prometheus asked, decided 30 ms, → Hold 0 ms, → applied 762 ms (of it in Prometheus 12 ms; waited for a core: kube-apiserver 70 ms, controller.js 3 ms; had one: kube-apiserver 90 ms, kubelet 12 ms)',
    );
  });

  it('end with what the incident said while nothing was decided', () => {
    const [line = ''] = slowest([{ ...rollback('a', 60), undecided: ['3 of 10 requests', 'it burns elsewhere, too'] }]);
    assert.match(line, /; undecided: 3 of 10 requests; it burns elsewhere, too$/);
  });
});
