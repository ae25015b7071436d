import type { Feature } from '../types.ts';
import { scale, tenancy } from './platform.ts';
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
};

/**
 * What metricops, Flux and Argo CD do, side by side. `docs/compare.md` is drawn from this. A mark of ours stands only as
 * long as the test that it names passes (`unproven`); a claim about the others only where their documentation or source
 * says so, and is left out where we are not sure.
 */
export const features: readonly Feature[] = Object.entries(areas).flatMap(([area, rows]) =>
  rows.map((row) => ({ area, ...row })),
);
