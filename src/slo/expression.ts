/** The expression with its $window as a Prometheus duration. */
export const withWindow = (expression: string, windowMs: number): string =>
  expression.replaceAll('$window', promDuration(windowMs));

export const promDuration = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.round(ms)}ms`);

const escapeRegExp = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Names of the pods of one revision, those that are gone too: a ReplicaSet's name is workload-hash. */
export const podPattern = (workload: { kind: string; name: string }, revision: string): string | undefined =>
  workload.kind === 'Deployment' ? `${escapeRegExp(workload.name)}-${escapeRegExp(revision)}-.+` : undefined;
