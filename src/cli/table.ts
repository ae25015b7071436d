/** Columns as kubectl prints them: upper-case heads, three spaces between, nothing at the end of a line. */
export const table = (
  heads: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
): string => {
  const cells = [heads.map((head) => head.toUpperCase()), ...rows.map((row) => row.map(cell))];
  const widths = heads.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
};

const cell = (value: string | number | undefined): string => {
  const text = value === undefined ? '' : String(value).replaceAll(/\s+/g, ' ').trim();
  return text === '' ? '-' : text;
};

/** "Name   value" lines with the values in one column; lines without a value are left out. */
export const facts = (lines: readonly (readonly [string, string | undefined])[]): string => {
  const shown = lines.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(...shown.map(([name]) => name.length));
  const indent = ' '.repeat(width + 3);
  return shown
    .map(([name, value]) => `${name.padEnd(width)}   ${(value ?? '').replaceAll('\n', `\n${indent}`)}`)
    .join('\n');
};

export const indent = (text: string, by = '  '): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? line : by + line))
    .join('\n');
