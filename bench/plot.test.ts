import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { barChart, lineChart, ticks } from './plot.ts';

const widths = (svg: string): number[] =>
  [...svg.matchAll(/<rect class="bar [^>]* width="([^"]+)"/g)].map((match) => Number(match[1]));
const broken = /NaN|Infinity|undefined|null/;

const bars = (...values: number[]): string =>
  barChart({
    title: 'Time',
    unit: 's',
    groups: values.map((value, i) => ({ label: `group ${i}`, bars: [{ series: 'metricops', value }] })),
  });

describe('a bar chart', () => {
  it('has bars as long as their values, across groups', () => {
    const [a = 0, b = 0, c = 0] = widths(bars(10, 5, 2.5));
    assert.ok(a > 300, `the longest takes the room: ${a}`);
    assert.ok(Math.abs(b - a / 2) <= 0.1 && Math.abs(c - a / 4) <= 0.1, `${a} ${b} ${c}`);
  });

  it('stays within its width, label and all', () => {
    const svg = bars(123_456_789, 1);
    const ends = [...svg.matchAll(/<text x="([^"]+)" y="[^"]+">([^<]+)</g)].map(
      ([, x, t]) => Number(x) + (t ?? '').length * 6,
    );
    assert.ok(Math.max(...ends) <= 720, `${ends}`);
  });

  it('gives a series the same colour in every group, though a group has no bar of it', () => {
    const svg = barChart({
      title: 'Time',
      unit: 's',
      groups: [
        {
          label: 'both',
          bars: [
            { series: 'ours', value: 1 },
            { series: 'theirs', value: 2 },
          ],
        },
        { label: 'one', bars: [{ series: 'theirs', value: 3 }] },
      ],
    });
    assert.deepEqual(
      [...svg.matchAll(/class="bar (f\d)"/g)].map((match) => match[1]),
      ['f0', 'f1', 'f1'],
    );
  });

  it('draws nothing impossible of nothing, zeros, and what was not measured', () => {
    for (const svg of [bars(), bars(0, 0), barChart({ title: '', unit: '', groups: [{ label: 'a', bars: [] }] })])
      assert.doesNotMatch(svg, broken);
    const svg = bars(Number.NaN, 4);
    assert.doesNotMatch(svg, broken);
    assert.match(svg, />no data</);
    assert.equal(widths(svg)[0], 0);
  });
});

describe('a line chart', () => {
  const chart = (...points: [number, number][]): string =>
    lineChart({ title: 'Time', xLabel: 'objects', yLabel: 'seconds', series: [{ name: 'metricops', points }] });

  it('draws points from left to right and the larger value higher', () => {
    const [, path = ''] = chart([1000, 8], [100, 1]).match(/points="([^"]+)"/) ?? [];
    const [first = [], second = []] = path.split(' ').map((point) => point.split(',').map(Number));
    assert.ok((first[0] ?? 0) < (second[0] ?? 0) && (first[1] ?? 0) > (second[1] ?? 0), path);
  });

  it('draws nothing impossible of nothing, one point, zeros, and what was not measured', () => {
    const none = lineChart({ title: '', xLabel: '', yLabel: '', series: [] });
    for (const svg of [none, chart(), chart([0, 0]), chart([5, 0]), chart([1, 1]), chart([1, Number.NaN], [2, 3])])
      assert.doesNotMatch(svg, broken);
  });
});

describe('a chart', () => {
  const nasty = '<b> & "c"';

  it('escapes every text', () => {
    const svgs = [
      barChart({
        title: nasty,
        subtitle: nasty,
        unit: nasty,
        groups: [{ label: nasty, bars: [{ series: nasty, value: 1 }] }],
      }),
      lineChart({
        title: nasty,
        subtitle: nasty,
        xLabel: nasty,
        yLabel: nasty,
        series: [{ name: nasty, points: [[1, 1]] }],
      }),
    ];
    for (const svg of svgs) {
      assert.ok(!svg.includes('<b>') && !svg.includes('& '));
      assert.match(svg, /<title id="title">&lt;b&gt; &amp; &quot;c&quot;<\/title>/);
    }
  });

  it('says its numbers to who can not see it', () => {
    assert.match(bars(12.345), /<desc id="desc">group 0: metricops 12.3 s<\/desc>/);
  });
});

describe('ticks', () => {
  it('are round', () => {
    assert.deepEqual(ticks([0, 8.7]), [0, 2, 4, 6, 8, 10]);
    assert.deepEqual(ticks([0, 0.3]), [0, 0.1, 0.2, 0.3]);
    assert.deepEqual(ticks([100, 1000]), [0, 200, 400, 600, 800, 1000]);
    assert.deepEqual(ticks([0, 1180]), [0, 250, 500, 750, 1000, 1250]);
    assert.deepEqual(ticks([]), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  });

  it('enclose every value, evenly, and are neither few nor many', () => {
    const value = fc.double({ min: -1e9, max: 1e9, noNaN: true }).filter((v) => v === 0 || Math.abs(v) > 1e-6);
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
        const found = ticks(values);
        const [first = Number.NaN] = found;
        const last = found.at(-1) ?? Number.NaN;
        const tolerance = (last - first) * 1e-6;
        assert.ok(found.length >= 2 && found.length <= 8, `${found}`);
        assert.ok(
          values.every((v) => v >= first - tolerance && v <= last + tolerance),
          `${found}`,
        );
      }),
    );
  });
});
