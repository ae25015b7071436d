export type Fields = Record<string, string | number | boolean | undefined>;
export type Log = (level: 'info' | 'warn' | 'error', msg: string, fields?: Fields) => void;

/** JSON lines of the same shape as the controller's, without the memory that a library takes. */
export const createLog =
  (write: (line: string) => void): Log =>
  (level, msg, fields = {}) =>
    write(`${JSON.stringify({ level, time: new Date().toISOString(), ...fields, msg })}\n`);

/** The reason of a failure with its causes, e.g. "connect ECONNREFUSED 10.0.0.1:8443". */
export const words = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const own = error.message || (error as NodeJS.ErrnoException).code || error.name;
  return error.cause === undefined ? own : `${own}: ${words(error.cause)}`;
};
