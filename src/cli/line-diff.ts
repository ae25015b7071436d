/** Lines of two texts: ' ' in both, '-' only before, '+' only after. Longest common subsequence; texts of a few thousand lines. */
export const diffLines = (before: string, after: string): { sign: ' ' | '-' | '+'; line: string }[] => {
  const a = before.split('\n');
  const b = after.split('\n');
  const lengths = commonLengths(a, b);
  const out: { sign: ' ' | '-' | '+'; line: string }[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ sign: ' ', line: a[i] ?? '' });
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && (lengths[i + 1]?.[j] ?? 0) >= (lengths[i]?.[j + 1] ?? 0))) {
      out.push({ sign: '-', line: a[i] ?? '' });
      i += 1;
    } else {
      out.push({ sign: '+', line: b[j] ?? '' });
      j += 1;
    }
  }
  return out;
};

const commonLengths = (a: string[], b: string[]): Uint32Array[] => {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    const row = lengths[i] as Uint32Array;
    const below = lengths[i + 1] as Uint32Array;
    for (let j = b.length - 1; j >= 0; j--) {
      row[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return lengths;
};

/** The changed lines with `context` lines around them, gaps between marked `...`; empty where nothing differs. */
export const unified = (before: string, after: string, context = 3): string => {
  const lines = diffLines(before, after);
  const near = lines.map((_, i) => lines.slice(Math.max(0, i - context), i + context + 1).some((l) => l.sign !== ' '));
  return lines
    .flatMap(({ sign, line }, i) => {
      if (near[i]) return [`${sign} ${line}`.trimEnd()];
      return near[i - 1] ? ['  ...'] : [];
    })
    .join('\n')
    .replace(/\n {2}\.\.\.$/, '');
};
