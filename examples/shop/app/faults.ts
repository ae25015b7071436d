import { readFileSync, statSync } from 'node:fs';

export interface Faults {
  /** Whether this request is to fail. Evenly spread: with 0.2 it is every fifth. */
  fails(): boolean;
  latencyMs(): number;
}

interface Settings {
  failRatio: number;
  latencyMs: number;
}

/** Faults from the build and from a configuration file that may change while the service runs. */
export const readFaults = ({ failRatio, file }: { failRatio: number; file: string | undefined }): Faults => {
  let seen = '';
  let fromFile: Settings = { failRatio: 0, latencyMs: 0 };
  let owed = 0;

  const settings = (): Settings => {
    const changed = file === undefined ? '' : stamp(file);
    if (file !== undefined && changed !== seen) {
      seen = changed;
      fromFile = parse(file);
    }
    return { failRatio: Math.max(failRatio, fromFile.failRatio), latencyMs: fromFile.latencyMs };
  };

  return {
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
