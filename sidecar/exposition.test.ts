import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { createLineFilter, renderOwn } from './exposition.ts';

const filter = (text: string, cuts: readonly number[] = []): string => {
  const bytes = Buffer.from(text);
  const lines = createLineFilter(1 << 20);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  let begin = 0;
  const out = ends.map((end) => {
    const chunk = lines.push(bytes.subarray(begin, end));
    begin = end;
    return chunk;
  });
  return Buffer.concat([...out, lines.end()]).toString();
};

describe('the merged exposition', () => {
  const line = fc.constantFrom(
    '# HELP http_requests_total Requests.',
    '# TYPE http_requests_total counter',
    'http_requests_total{path="/ä"} 1',
    '# TYPE metricops_recorder_release gauge',
    'metricops_recorder_release 5',
    'other{of="metricops_recorder_release"} 2',
    '# EOF',
    '',
  );
  const kept = (l: string): boolean => !/^(metricops_recorder_|# TYPE metricops_recorder_|# EOF)/.test(l);

  it('keeps every line of the application but those that collide, however the answer is cut', () => {
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(5000), { maxLength: 6 }), (lines, cuts) => {
        const text = lines.map((l) => `${l}\n`).join('');
        assert.equal(
          filter(text, cuts),
          lines
            .filter(kept)
            .map((l) => `${l}\n`)
            .join(''),
        );
      }),
    );
  });

  it('ends a last line that the application did not end', () => {
    assert.equal(filter('a 1\nb 2'), 'a 1\nb 2\n');
    assert.equal(filter('metricops_recorder_release 1'), '');
  });

  it('has no family twice, and an end mark in OpenMetrics only', () => {
    const state = { release: 3, lastRecorded: 1.5, attempts: { recorded: 1, refused: 0, failed: 2 }, appScraped: true };
    for (const openMetrics of [false, true]) {
      const text = renderOwn(state, openMetrics);
      const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
      assert.equal(new Set(families).size, families.length);
      assert.equal(text.endsWith('# EOF\n'), openMetrics);
      assert.match(text, /^metricops_recorder_reports_total\{result="failed"\} 2$/m);
    }
  });
});
