import fc from 'fast-check';

/** What parsers stumble over. */
const ODD = ['', '\0', '\n', '\r\n', ' ', '\t', '"', "'", '\\', '{', '}', '{{', '[', ']', '<', '>', '&', '*', '!', '|'];
const ODDER = ['---\n', '- ', ': ', '#', '%', '$', '${', '@', '..', '/', '//', '0', '-1', '1e999', '\u0085', '\u2028'];
const WORDS = [
  'ü',
  '😀',
  '\ud800',
  '\ufeff',
  '__proto__',
  'constructor',
  'null',
  'true',
  'NaN',
  '99999999999999999999',
];

const piece = fc.oneof(fc.constantFrom(...ODD, ...ODDER, ...WORDS), fc.string({ maxLength: 8 }));

interface Edit {
  /** Part of the text before it. */
  at: number;
  /** What goes: so many characters. */
  cut: number;
  put: string;
  times: number;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.nat(20),
  put: piece,
  times: fc.constantFrom(1, 1, 1, 2, 30),
});

const edited = (text: string, edits: readonly Edit[]): string =>
  edits.reduce((before, { at, cut, put, times }) => {
    const from = Math.floor(at * before.length);
    return before.slice(0, from) + put.repeat(times) + before.slice(from + cut);
  }, text);

/** Texts like these with a few changes, and any text. */
export const textLike = (...samples: readonly string[]): fc.Arbitrary<string> =>
  fc
    .oneof(
      { arbitrary: fc.tuple(fc.constantFrom(...samples), fc.array(edit, { maxLength: 4 })), weight: 6 },
      { arbitrary: fc.tuple(fc.constant(''), fc.array(edit, { maxLength: 12 })), weight: 2 },
      { arbitrary: fc.tuple(fc.string({ unit: 'binary' }), fc.constant([])), weight: 1 },
    )
    .map(([text, edits]) => edited(text, edits));

/** Bytes like these with some of them changed, cut off, or with others behind them; and any bytes. */
export const bytesLike = (...samples: readonly Uint8Array[]): fc.Arbitrary<Buffer> =>
  fc
    .tuple(
      fc.constantFrom(...samples),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), { maxLength: 4 }),
      fc.double({ min: 0, max: 1.5, noNaN: true }),
      fc.uint8Array({ maxLength: 40 }),
    )
    .map(([sample, changes, end, more]) => {
      const bytes = Buffer.from(sample.subarray(0, Math.ceil(end * sample.length)));
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[Math.floor(at * (bytes.length - 1))] = byte;
      return end < 0.5 ? bytes : Buffer.concat([bytes, more]);
    });

/** A JSON value like these, with members that are another thing; and any. */
export const valueLike = (...samples: readonly unknown[]): fc.Arbitrary<unknown> =>
  fc
    .oneof(
      { arbitrary: fc.tuple(fc.constantFrom(...samples), fc.nat(), fc.jsonValue({ maxDepth: 2 })), weight: 4 },
      { arbitrary: fc.tuple(fc.jsonValue(), fc.constant(-1), fc.constant(undefined)), weight: 1 },
    )
    .map(([sample, at, other]) => (at < 0 ? sample : replaced(sample, at, other)));

const replaced = (sample: unknown, at: number, other: unknown): unknown => {
  let left = at % countOf(sample);
  const walk = (value: unknown): unknown => {
    left -= 1;
    if (left === -1) return other;
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, walk(member)]));
  };
  return walk(sample);
};

const countOf = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? Object.values(value).reduce<number>((sum, member) => sum + countOf(member), 1)
    : 1;
