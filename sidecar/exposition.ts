import type { RecorderState } from './recorder.ts';

/** Every family of ours starts with it, so a line of the application that does would collide. */
export const PREFIX = 'metricops_recorder_';
export const TEXT = 'text/plain; version=0.0.4; charset=utf-8';

const OWN = Buffer.from(PREFIX);
const EOF = Buffer.from('# EOF');
const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);

export const isOpenMetrics = (contentType: string): boolean => contentType.startsWith('application/openmetrics-text');

export interface LineFilter {
  /** Throws when a line is longer than maxLine bytes. */
  push(chunk: Buffer): Buffer;
  end(): Buffer;
  /** Whether there was the end mark, without which an OpenMetrics exposition is cut. */
  marked(): boolean;
}

/**
 * Passes the application's exposition on in whole lines, without those that collide with ours and without the end
 * mark of OpenMetrics (ours come after it). Nearly every block is handed on as it came: the interpreter never looks at
 * its lines.
 */
export const createLineFilter = (maxLine: number): LineFilter => {
  let rest: Buffer = NOTHING;
  let marked = false;
  const filtered = (block: Buffer): Buffer => {
    if (!block.includes(OWN) && !block.includes(EOF)) return block;
    const kept = block
      .toString('latin1') // byte for byte, whatever the labels hold
      .split('\n')
      .filter((line) => {
        const isMark = line.trimEnd() === '# EOF';
        marked ||= isMark;
        return !isMark && !collides(line);
      });
    return Buffer.from(kept.join('\n'), 'latin1');
  };
  return {
    push(chunk) {
      const end = chunk.lastIndexOf(NEWLINE) + 1;
      if (rest.length + (end === 0 ? chunk.length : 0) > maxLine) throw new Error(`a line is over ${maxLine} bytes`);
      if (end === 0) {
        rest = Buffer.concat([rest, chunk]);
        return NOTHING;
      }
      const block = Buffer.concat([rest, chunk.subarray(0, end)]);
      rest = Buffer.from(chunk.subarray(end)); // a copy: a view would keep the whole chunk alive
      return filtered(block);
    },
    end() {
      const block = rest.length === 0 ? rest : Buffer.concat([rest, Buffer.from('\n')]);
      rest = NOTHING;
      return filtered(block);
    },
    marked: () => marked,
  };
};

const collides = (line: string): boolean =>
  line.startsWith(PREFIX) || /^#\s+(HELP|TYPE|UNIT)\s+metricops_recorder_/.test(line);

export interface OwnMetrics extends RecorderState {
  /** Whether the last scrape had the application's metrics; undefined where none is merged, or before the first. */
  appScraped: boolean | undefined;
}

/** Our own families, in the text format or in OpenMetrics (where a counter's family has no `_total`, and an end mark). */
export const renderOwn = (own: OwnMetrics, openMetrics: boolean): string => {
  const lines: string[] = [];
  const gauge = (name: string, help: string, value: number): void =>
    void lines.push(`# HELP ${PREFIX}${name} ${help}`, `# TYPE ${PREFIX}${name} gauge`, `${PREFIX}${name} ${value}`);
  const reports = `${PREFIX}reports${openMetrics ? '' : '_total'}`;
  lines.push(`# HELP ${reports} Reports of this pod's release by result.`, `# TYPE ${reports} counter`);
  for (const [result, count] of Object.entries(own.attempts)) {
    lines.push(`${PREFIX}reports_total{result="${result}"} ${count}`);
  }
  gauge('recorded', '1 once the release of this pod was recorded.', own.lastRecorded === undefined ? 0 : 1);
  if (own.lastRecorded !== undefined) {
    gauge('last_report_timestamp_seconds', 'When the release was last reported.', own.lastRecorded);
  }
  if (own.release !== undefined) gauge('release', 'Number of the release in its history.', own.release);
  if (own.appScraped !== undefined) {
    gauge(
      'app_scrape_success',
      "1 when the last scrape had the application's metrics as a whole.",
      own.appScraped ? 1 : 0,
    );
  }
  if (openMetrics) lines.push('# EOF');
  return `${lines.join('\n')}\n`;
};
