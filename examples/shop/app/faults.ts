import { readFileSync, statSync } from 'node:fs';

export interface Faults {
  /** Whether this request is one too many for its capacity. */
  overruns(): boolean;
  /** Whether this request is to fail. Evenly spread: with 0.2 it is every fifth. */
  fails(): boolean;
  latencyMs(): number;
}

interface Settings {
  failRatio: number;
  latencyMs: number;
}

export interface FaultOptions {
  /** Of the build: 0 to 1. */
  failRatio: number;
  /** A configuration file, which may change while the service runs. */
  file: string | undefined;
  /** Until so many seconds after the start failRatio is 0, then it rises for as long again. 0: it is there at once. */
  leakSeconds?: number;
  /** Requests a second that it can answer; any number where it is not set. */
  capacity?: number | undefined;
  /** A monotonic time in milliseconds. */
  now?: () => number;
}

/** Faults from the build and from a configuration file. */
export const readFaults = (options: FaultOptions): Faults => {
  const { failRatio, file, leakSeconds = 0, capacity, now = () => performance.now() } = options;
  const start = now();
  let seen = '';
  let fromFile: Settings = { failRatio: 0, latencyMs: 0 };
  let owed = 0;

  const settings = (): Settings => {
    const changed = file === undefined ? '' : stamp(file);
    if (file !== undefined && changed !== seen) {
      seen = changed;
      fromFile = parse(file);
    }
    const built = failRatio * leaked(now() - start, leakSeconds * 1000);
    return { failRatio: Math.max(built, fromFile.failRatio), latencyMs: fromFile.latencyMs };
  };

  return {
    overruns: capacity === undefined ? () => false : bucketOf(capacity, now),
    fails() {
      owed += settings().failRatio;
      // 0.2 five times is a little less than 1
      if (owed < 1 - 1e-9) return false;
      owed -= 1;
      return true;
    },
    latencyMs: () => settings().latencyMs,
  };
};

/** How much of a leak shows, 0 to 1. */
const leaked = (age: number, after: number): number =>
  after === 0 ? 1 : Math.min(1, Math.max(0, (age - after) / after));

/** A token bucket that holds a second's worth: whether it has none left. */
const bucketOf = (capacity: number, now: () => number): (() => boolean) => {
  let tokens = capacity;
  let at = now();
  return () => {
    const time = now();
    tokens = Math.min(capacity, tokens + ((time - at) / 1000) * capacity);
    at = time;
    if (tokens < 1) return true;
    tokens -= 1;
    return false;
  };
};

const stamp = (file: string): string => {
  try {
    const { ino, mtimeMs, size } = statSync(file);
    return `${ino} ${mtimeMs} ${size}`;
  } catch {
    return '';
  }
};

/** No file, or one that is not JSON, is a shop without faults. */
const parse = (file: string): Settings => {
  try {
    const { failRatio = 0, latencyMs = 0 } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Settings>;
    return { failRatio, latencyMs };
  } catch {
    return { failRatio: 0, latencyMs: 0 };
  }
};
