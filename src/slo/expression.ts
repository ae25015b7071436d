/** A string or a comment of PromQL; one that is not closed goes to the end. Linear: no part of it can match twice. */
export const STRING_OR_COMMENT = /"(?:[^"\\]|\\[\s\S])*"?|'(?:[^'\\]|\\[\s\S])*'?|`[^`]*`?|#[^\n]*/;

const WINDOW = new RegExp(String.raw`${STRING_OR_COMMENT.source}|\$window\b`, 'g');

/** The expression with its $window as a Prometheus duration. What stands in strings and comments stays. */
export const withWindow = (expression: string, windowMs: number): string => {
  const duration = promDuration(windowMs);
  return expression.replaceAll(WINDOW, (found) => (found === '$window' ? duration : found));
};

/** Whether the range of the expression is left open: `$window` stands in it, and not in a string or a comment. */
export const hasWindow = (expression: string): boolean => withWindow(expression, 1000) !== expression;

export const promDuration = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.round(ms)}ms`);

export const escapeRegExp = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Names of the pods of one revision, those that are gone too: a ReplicaSet's name is workload-hash. */
export const podPattern = (workload: { kind: string; name: string }, revision: string): string | undefined =>
  workload.kind === 'Deployment' ? `${escapeRegExp(workload.name)}-${escapeRegExp(revision)}-.+` : undefined;
