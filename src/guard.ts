import { createHash } from 'node:crypto';
import type { Log } from './telemetry/index.ts';

export interface Guard {
  /**
   * Logs an error that nobody foresaw, under an id, and gives the words in which its object may be told of it. Neither
   * has the error's own text: that may quote what it was thrown over, the value of a Secret for example.
   */
  note(object: string, error: unknown): string;
  /** Work about one object among many: what it throws is noted and told of, and the others go on. */
  run(object: string, work: () => void): void;
  /** Work of a queue: what it throws is noted and told of before it is thrown on. */
  wrap<T>(work: (object: string) => Promise<T>): (object: string) => Promise<T>;
}

export interface GuardPorts {
  log: Log;
  /** What its objects are, as a field of the log: `sync`. */
  kind: string;
  /** Puts the words into the status of the object. */
  tell?: (object: string, message: string) => Promise<void>;
  /** Errors that say themselves what is wrong, and are dealt with elsewhere. */
  isForeseen?: (error: unknown) => boolean;
}

/** One object can't stop another: whatever its work throws ends as a condition of that object, under an id that the log has. */
export const createGuard = ({ log, kind, tell = async () => {}, isForeseen = () => false }: GuardPorts): Guard => {
  const note = (object: string, error: unknown): string => {
    const { name, code, at } = outlineOf(error);
    // The same each time, so that a fault that stays is no news each time.
    const id = createHash('sha256')
      .update(JSON.stringify([object, name, code, at]))
      .digest('hex')
      .slice(0, 8);
    log.error({ [kind]: object, id, error: name, code, at }, 'unexpected error');
    return `unexpected ${name}; the controller's log says more under ${id}`;
  };
  const tellOf = async (object: string, error: unknown): Promise<void> => {
    const message = note(object, error);
    await tell(object, message).catch((failure: unknown) => note(object, failure));
  };
  return {
    note,
    run(object, work) {
      try {
        work();
      } catch (error) {
        void tellOf(object, error);
      }
    },
    wrap: (work) => async (object) => {
      try {
        return await work(object);
      } catch (error) {
        if (!isForeseen(error)) await tellOf(object, error);
        throw error;
      }
    },
  };
};

/** Where an error comes from: its class, its code, and the places in our code. */
const outlineOf = (error: unknown): { name: string; code: string | undefined; at: string[] } => {
  if (!(error instanceof Error)) return { name: typeof error, code: undefined, at: [] };
  const { code } = error as { code?: unknown };
  const frames = (error.stack ?? '').split('\n').map((line) => line.trim());
  return {
    name: isWord(error.name) ? error.name : 'Error',
    code: isWord(code) ? code : undefined,
    // The message may have lines that look like a place.
    at: frames
      .slice(String(error.message).split('\n').length)
      .filter((line) => /^at \S/.test(line))
      .slice(0, 10),
  };
};

const isWord = (value: unknown): value is string => typeof value === 'string' && /^[A-Za-z_]{1,64}$/.test(value);
