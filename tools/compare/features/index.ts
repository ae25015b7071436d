import type { Feature } from '../types.ts';
import { people } from './people.ts';
import { scale, tenancy } from './platform.ts';
import { progressive } from './progressive.ts';
import { applying, drift, order, pruning } from './reconciling.ts';
import { rollback } from './rollback.ts';
import { rendering, sources } from './sources.ts';

const areas = {
  Sources: sources,
  Render: rendering,
  'Order and health': order,
  Apply: applying,
  Prune: pruning,
  Drift: drift,
  Tenancy: tenancy,
  Scale: scale,
  Rollback: rollback,
  'During a rollout': progressive,
  'People and project': people,
};

/**
 * What metricops, Flux, Argo CD, Flagger and Argo Rollouts do, side by side. `docs/compare.md` is drawn from this. A mark
 * of ours stands only as long as the test that it names passes (`unproven`); a claim about the others only where their
 * documentation or source says so, and is left out where we are not sure.
 */
export const features: readonly Feature[] = Object.entries(areas).flatMap(([area, rows]) =>
  rows.map((row) => ({ area, ...row })),
);
