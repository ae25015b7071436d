import { annotations, labels } from './annotations.ts';

interface Annotated {
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
}

/**
 * Whether releases of a workload are recorded and its pods injected. The nearest word wins:
 * pod template, then workload, then namespace label. A value that is neither true nor false counts as not said there.
 */
export const isOptedIn = (where: {
  template?: Annotated | undefined;
  workload?: Annotated | undefined;
  namespace?: Annotated | undefined;
}): boolean =>
  said(where.template?.annotations?.[annotations.inject]) ??
  said(where.workload?.annotations?.[annotations.inject]) ??
  where.namespace?.labels?.[labels.inject] === 'enabled';

const said = (value: string | undefined): boolean | undefined =>
  value === 'true' ? true : value === 'false' ? false : undefined;
