import { InputError } from './given.ts';
import { readText } from './input.ts';
import { type SeriesRow, seriesRow } from './recording-schema.ts';

export interface Row extends Omit<SeriesRow, 'time'> {
  /** In the file, from 1. */
  line: number;
  /** Milliseconds since the epoch. */
  at: number;
}

const REQUIRED = ['time', 'service', 'requests', 'errors'] as const;
const NUMBERS: readonly string[] = ['requests', 'errors', 'p50', 'p90', 'p99'];

/** The lines of a series.csv: separated by commas, without quotes. Throws InputError with the file and the line. */
export const readSeries = (file: string): Row[] => {
  const [header = '', ...lines] = readText(file).replaceAll('\r', '').split('\n');
  const columns = header.split(',').map((column) => column.trim());
  const missing = REQUIRED.find((column) => !columns.includes(column));
  if (missing !== undefined) throw new InputError(`${file}:1: no column ${missing} in "${header}"`);
  const unknown = columns.find((column, i) => !(column in seriesRow.shape) || columns.indexOf(column) !== i);
  if (unknown !== undefined) throw new InputError(`${file}:1: "${unknown}" is no column, or is there twice`);
  const rows = lines.flatMap((text, i) =>
    text.trim() === '' ? [] : [rowOf(text, columns, `${file}:${i + 2}`, i + 2)],
  );
  if (rows.length === 0) throw new InputError(`${file}: nothing was recorded`);
  return rows;
};

const rowOf = (text: string, columns: readonly string[], where: string, line: number): Row => {
  const cells = text.split(',').map((cell) => cell.trim());
  if (cells.length !== columns.length)
    throw new InputError(`${where}: ${cells.length} cells, and the first line names ${columns.length} columns`);
  const filled = columns.flatMap((column, i): [string, string | number][] => {
    const cell = cells[i] ?? '';
    return cell === '' ? [] : [[column, NUMBERS.includes(column) ? numberOf(cell, column, where) : cell]];
  });
  const parsed = seriesRow.safeParse(Object.fromEntries(filled));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new InputError(`${where}: ${problems.join('; ')}`);
  }
  const { time, ...row } = parsed.data;
  if ((row.errors ?? 0) > (row.requests ?? row.errors ?? 0))
    throw new InputError(`${where}: ${row.errors} errors of ${row.requests} requests`);
  return { ...row, line, at: Date.parse(time) };
};

const numberOf = (cell: string, column: string, where: string): number => {
  const value = Number(cell);
  if (Number.isNaN(value)) throw new InputError(`${where}: ${column} is "${cell}", and should be a number or empty`);
  return value;
};
