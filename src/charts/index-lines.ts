import { ReasonError } from '../api/reason-error.ts';
import { CHART_LIMITS } from './limits.ts';

/**
 * Of an index.yaml, what it says of one chart, as YAML of the same form. An index has megabytes, of hundreds of charts: the
 * lines of all others are read over as they come. One in JSON is kept as a whole.
 */
export const linesOfChart = async (body: AsyncIterable<Buffer>, chart: string): Promise<string> => {
  const decoder = new TextDecoder();
  const keeps = lineFilter(chart);
  let kept = '';
  /** Of a line that has not ended yet: put together once, however many packets it comes in. */
  let pieces: string[] = [];
  let pending = 0;
  const refuseTooMuch = (): void => {
    if (kept.length + pending <= CHART_LIMITS.entryBytes) return;
    throw new ReasonError('ChartRefused', `the index has more than ${CHART_LIMITS.entryBytes} bytes of ${chart}`);
  };
  const take = (text: string): void => {
    const line = pieces.length === 0 ? text : pieces.join('') + text;
    [pieces, pending] = [[], 0];
    if (keeps(line)) kept += `${line}\n`;
    refuseTooMuch();
  };
  for await (const chunk of body) {
    const lines = decoder.decode(chunk, { stream: true }).split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) take(line);
    pieces.push(rest);
    pending += rest.length;
    refuseTooMuch();
  }
  take('');
  return kept;
};

const KEY = /^(?:"([^"]*)"|'([^']*)'|([^\s'"#][^:]*)):\s*(?:#.*)?$/;

/** Whether the next line of an index is to be kept. */
const lineFilter = (chart: string): ((line: string) => boolean) => {
  let isJson: boolean | undefined;
  let isInEntries = false;
  let isOfChart = false;
  /** Of the names of charts. */
  let indent: number | undefined;
  return (line) => {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) return isOfChart;
    isJson ??= text.startsWith('{');
    if (isJson) return true;
    const depth = line.length - line.trimStart().length;
    if (depth === 0 && !text.startsWith('- ')) {
      isInEntries = /^entries:/.test(text);
      isOfChart = false;
      return isInEntries;
    }
    if (!isInEntries) return false;
    indent ??= depth;
    if (depth !== indent || text === '-' || text.startsWith('- ')) return isOfChart;
    const [, double, single, bare] = KEY.exec(text) ?? [];
    isOfChart = (double ?? single ?? bare?.trim()) === chart;
    return isOfChart;
  };
};
