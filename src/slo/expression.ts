/** A metric with its matchers and the $window placeholder. Strings may hold braces. */
const RANGE_SELECTOR = /([a-zA-Z_:][a-zA-Z0-9_:]*)?(\{(?:[^"'}]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*\})?\[\$window\]/g;

/** The expression with its $window as a Prometheus duration. */
export const withWindow = (expression: string, windowMs: number): string =>
  expression.replaceAll('$window', promDuration(windowMs));

export const promDuration = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.round(ms)}ms`);

/** The expression asked of some pods only: the matcher goes into every range selector. */
export const ofPods = (expression: string, podLabel: string, podPattern: string): string =>
  expression.replaceAll(RANGE_SELECTOR, (whole, metric: string | undefined, matchers: string | undefined) => {
    if (metric === undefined && matchers === undefined) return whole;
    const inner = (matchers ?? '{}').slice(1, -1).trim().replace(/,$/, '');
    const matcher = `${podLabel}=~"${podPattern.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
    return `${metric ?? ''}{${inner === '' ? '' : `${inner},`}${matcher}}[$window]`;
  });

const escapeRegExp = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Names of the pods of one revision, those that are gone too: a ReplicaSet's name is workload-hash. */
export const podPattern = (workload: { kind: string; name: string }, revision: string): string | undefined =>
  workload.kind === 'Deployment' ? `${escapeRegExp(workload.name)}-${escapeRegExp(revision)}-.+` : undefined;
