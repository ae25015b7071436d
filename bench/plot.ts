/**
 * Charts as SVG text for docs/, drawn by hand so that a bench needs no library and the same numbers give the same file.
 * Each paints its own background: a picture follows the colour scheme of the system, which may not be that of the page.
 */

export interface BarChart {
  title: string;
  subtitle?: string;
  unit: string;
  /** Values from 0 up; one that is not a number is shown as "no data". */
  groups: readonly { label: string; bars: readonly { series: string; value: number }[] }[];
}

export interface LineChart {
  title: string;
  subtitle?: string;
  xLabel: string;
  yLabel: string;
  /** Points in any order; those that are not numbers are left out. */
  series: readonly { name: string; points: readonly (readonly [x: number, y: number])[] }[];
}

/** As wide as the text of a page on GitHub. */
const WIDTH = 720;
const MARGIN = 20;
const INNER = WIDTH - 2 * MARGIN;
const FONT = 12;
const TITLE_FONT = 16;
const LINE = 18;

/** Okabe and Ito's colours, told apart by colour-blind people too: on white, and lighter ones on dark. */
const LIGHT = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00'];
const DARK = ['#56b4e9', '#e69f00', '#2bc49a', '#e3a3c6', '#8ab4d8', '#f0e442'];
/** Beside the colour, so that lines differ in print as well. */
const DASHES = ['', '7 4', '2 3', '10 3 2 3', '4 2', '12 4'];

const colours = (palette: readonly string[]): string =>
  palette.map((c, i) => `.f${i}{fill:${c}}.l${i}{stroke:${c}}`).join('');

const STYLE = [
  `text{font:${FONT}px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1f2328}`,
  `.title{font-size:${TITLE_FONT}px;font-weight:600}.quiet{fill:#59636e}.end{text-anchor:end}.middle{text-anchor:middle}`,
  '.paper{fill:#fff}.axis{stroke:#818b98}.grid{stroke:#d1d9e0}.line{fill:none;stroke-width:2}',
  colours(LIGHT),
  '@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.quiet{fill:#9198a1}.paper{fill:#0d1117}',
  `.axis{stroke:#656c76}.grid{stroke:#2f353d}${colours(DARK)}}`,
].join('');

/** Horizontal bars in groups, each with its value at its end. */
export const barChart = ({ title, subtitle, unit, groups }: BarChart): string => {
  const series = [...new Set(groups.flatMap((g) => g.bars.map((b) => b.series)))];
  const values = groups.flatMap((g) => g.bars.map((b) => b.value));
  const labelled = (value: number): string => (Number.isFinite(value) ? `${number(value)} ${unit}` : 'no data');
  const top = head(title, subtitle, series, 'box');

  const labelWidth = Math.min(220, widest(groups.map((g) => g.label)));
  const left = MARGIN + labelWidth + 10;
  const room = WIDTH - MARGIN - left - widest(values.map(labelled)) - 6;
  const longest = Math.max(0, ...values.filter(Number.isFinite));
  const lengthOf = (value: number): number => (longest > 0 && value > 0 ? (value / longest) * room : 0);

  const bar = 16;
  const step = bar + 3;
  const marks: string[] = [];
  let y = top.height + 6;
  for (const { label, bars } of groups) {
    const height = Math.max(1, bars.length) * step - 3;
    marks.push(text(left - 10, y + height / 2 + 4, clip(label, labelWidth), 'end'));
    bars.forEach(({ series: name, value }, i) => {
      const at = y + i * step;
      const length = lengthOf(value);
      const colour = series.indexOf(name) % LIGHT.length;
      marks.push(`<rect class="bar f${colour}" x="${px(left)}" y="${px(at)}" width="${px(length)}" height="${bar}"/>`);
      marks.push(text(left + length + 6, at + bar - 4, labelled(value)));
    });
    y += height + 14;
  }
  const end = Math.max(y - 14, top.height + 12);
  marks.push(line(left, top.height, left, end + 6, 'axis'));
  const said = groups.map((g) => `${g.label}: ${g.bars.map((b) => `${b.series} ${labelled(b.value)}`).join(', ')}`);
  return svg({ title, said: [subtitle, ...said], height: end + MARGIN, body: [...top.marks, ...marks] });
};

/** Lines over two axes. The vertical one begins at zero, so that no difference looks larger than it is. */
export const lineChart = ({ title, subtitle, xLabel, yLabel, series }: LineChart): string => {
  const lines = series.map(({ name, points }) => ({
    name,
    points: points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y)).toSorted((a, b) => a[0] - b[0]),
  }));
  const points = lines.flatMap((l) => l.points);
  const xs = ticks(points.map(([x]) => x));
  const ys = ticks([0, ...points.map(([, y]) => y)]);

  const top = head(
    title,
    subtitle,
    series.map((s) => s.name),
    'line',
  );
  const plot = { top: top.height + LINE + 12, left: MARGIN + widest(ys.map(number)) + 8, height: 260 };
  const bottom = plot.top + plot.height;
  // Half of the last number stands beyond the end of the axis.
  const right = WIDTH - MARGIN - widest(xs.slice(-1).map(number)) / 2;
  const atX = scale(xs, plot.left, right);
  const atY = scale(ys, bottom, plot.top);

  const axes = [
    text(MARGIN, top.height + 12, yLabel, 'quiet'),
    ...ys.map((y) => line(plot.left, atY(y), right, atY(y), y === 0 ? 'axis' : 'grid')),
    ...ys.map((y) => text(plot.left - 8, atY(y) + 4, number(y), 'quiet end')),
    ...xs.map((x) => line(atX(x), bottom, atX(x), bottom + 4, 'axis')),
    ...xs.map((x) => text(atX(x), bottom + LINE, number(x), 'quiet middle')),
    text((plot.left + right) / 2, bottom + 2 * LINE + 2, xLabel, 'quiet middle'),
  ];
  const marks = lines.flatMap((l, i) => {
    const colour = i % LIGHT.length;
    const path = l.points.map(([x, y]) => `${px(atX(x))},${px(atY(y))}`);
    return [
      `<polyline class="line l${colour}"${dash(i)} points="${path.join(' ')}"/>`,
      ...l.points.map(([x, y]) => `<circle class="f${colour}" cx="${px(atX(x))}" cy="${px(atY(y))}" r="3"/>`),
    ];
  });
  const said = lines.map((l) => `${l.name}: ${l.points.map(([x, y]) => `${number(y)} at ${number(x)}`).join(', ')}`);
  return svg({
    title,
    said: [subtitle, `${yLabel} over ${xLabel}`, ...said],
    height: bottom + 2 * LINE + MARGIN,
    body: [...top.marks, ...axes, ...marks],
  });
};

/**
 * About five round numbers, evenly spaced, from below the least value to above the greatest. Never fewer than two, so
 * that they span an axis.
 */
export const ticks = (values: readonly number[]): number[] => {
  const least = values.length === 0 ? 0 : Math.min(...values);
  const greatest = values.length === 0 ? 1 : Math.max(...values);
  const size = Math.max(Math.abs(least), Math.abs(greatest));
  // What differs by less than that is one value: a float has no round numbers so close together.
  const span = greatest - least > size * 1e-6 ? greatest - least : size || 1;
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10) * power;
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(greatest / step - 1e-9));
  // Multiplied, not added up: 0.1 + 0.2 is not round.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
};

/** From the first to the last tick. */
const scale = (domain: readonly number[], from: number, to: number): ((value: number) => number) => {
  const [low = 0] = domain;
  const high = domain.at(-1) ?? 1;
  return (value) => from + ((value - low) / (high - low)) * (to - from);
};

interface Head {
  marks: string[];
  /** Where the rest begins. */
  height: number;
}

/** Title, subtitle and legend, in as many lines as they need. */
const head = (title: string, subtitle: string | undefined, names: readonly string[], sample: 'box' | 'line'): Head => {
  const marks: string[] = [];
  let y = MARGIN - 4;
  for (const part of wrap(title, TITLE_FONT)) {
    y += LINE + 2;
    marks.push(text(MARGIN, y, part, 'title'));
  }
  for (const part of wrap(subtitle ?? '', FONT)) {
    y += LINE;
    marks.push(text(MARGIN, y, part, 'quiet'));
  }
  if (names.length === 0) return { marks, height: y + LINE };
  y += LINE + 8;
  let x = MARGIN;
  names.forEach((name, i) => {
    const width = 30 + widthOf(name) + 16;
    if (x > MARGIN && x + width > MARGIN + INNER) {
      x = MARGIN;
      y += LINE;
    }
    marks.push(
      sample === 'box'
        ? `<rect class="f${i % LIGHT.length}" x="${px(x)}" y="${px(y - 10)}" width="12" height="12"/>`
        : `<line class="line l${i % LIGHT.length}"${dash(i)} x1="${px(x)}" y1="${px(y - 4)}" x2="${px(x + 24)}" y2="${px(y - 4)}"/>`,
      text(x + (sample === 'box' ? 18 : 30), y, name),
    );
    x += width;
  });
  return { marks, height: y + LINE };
};

const svg = (drawing: {
  title: string;
  said: readonly (string | undefined)[];
  height: number;
  body: readonly string[];
}): string => {
  const height = Math.ceil(drawing.height);
  const said = drawing.said.filter((part) => part !== undefined && part !== '').join('. ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc">`,
    `<title id="title">${escaped(drawing.title)}</title>`,
    `<desc id="desc">${escaped(said)}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}"/>`,
    ...drawing.body,
    '</svg>\n',
  ].join('\n');
};

const text = (x: number, y: number, content: string, classes = ''): string =>
  `<text${classes === '' ? '' : ` class="${classes}"`} x="${px(x)}" y="${px(y)}">${escaped(content)}</text>`;

const line = (x1: number, y1: number, x2: number, y2: number, kind: 'axis' | 'grid'): string =>
  `<line class="${kind}" x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}"/>`;

const dash = (series: number): string => {
  const pattern = DASHES[series % DASHES.length];
  return pattern ? ` stroke-dasharray="${pattern}"` : '';
};

const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** A tenth of a pixel is enough, and keeps diffs of regenerated charts small. */
const px = (value: number): string => String(Number(value.toFixed(1)));

/** Three digits say what a bench can know; whole numbers from 100 up stay whole. */
const number = (value: number): string =>
  value.toLocaleString(
    'en-US',
    Math.abs(value) >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 },
  );

/** Nothing measures text here: a generous mean of the letters of a sans-serif font. */
const widthOf = (content: string, font = FONT): number => content.length * font * 0.56;
const widest = (contents: readonly string[]): number => Math.max(0, ...contents.map((c) => widthOf(c)));

const clip = (content: string, width: number): string => {
  const letters = Math.round(width / widthOf('x'));
  return content.length <= letters ? content : `${content.slice(0, letters - 1)}…`;
};

/** Lines of whole words that fit; no line for an empty text. */
const wrap = (content: string, font: number): string[] => {
  const lines: string[] = [];
  for (const word of content.split(/\s+/).filter((w) => w !== '')) {
    const longer = `${lines.at(-1) ?? ''} ${word}`.trimStart();
    if (lines.length > 0 && widthOf(longer, font) <= INNER) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
};
