import { createHmac } from 'node:crypto';
import type { GitSync } from '../../api/gitsync.ts';
import { ReasonError } from '../../api/reason-error.ts';
import type { Charts } from '../../charts/charts.ts';
import type { Discovery } from '../../kube/index.ts';
import type { ChartArchive, ReadRelease, Release, ValuesText } from '../../render/index.ts';
import type { Asked, ConfigTexts } from './config-texts.ts';

/** What charts are rendered with, beside the commit and the spec. */
export interface Releases {
  /**
   * undefined while nobody knows which version of the chart it is: the sync hears of it. Rejects with ReasonError, or with
   * KubeError.
   */
  of(sync: GitSync): Promise<ReadRelease | undefined>;
  /** The same with the chart that an earlier process applied last; undefined where that is not here. */
  before(sync: GitSync): Promise<ReadRelease | undefined>;
}

export interface ReleasesPorts {
  configs: Pick<ConfigTexts, 'read'>;
  charts: Pick<Charts, 'chart' | 'before'>;
  discovery: Pick<Discovery, 'capabilities'>;
  digestKey: Uint8Array;
}

const ASKED: Asked = { field: 'spec.render.helm.valuesFrom', missing: 'ValuesNotFound', tooLarge: 'ManifestTooLarge' };

export const createReleases = ({ configs, charts, discovery, digestKey }: ReleasesPorts): Releases => {
  const valuesOf = async (sync: GitSync): Promise<ValuesText[]> => {
    const values: ValuesText[] = [];
    for (const source of sync.spec.render?.helm?.valuesFrom ?? []) {
      const { kind, name, valuesKey, optional } = source;
      const texts = await configs.read(sync, source, ASKED);
      const text = texts.find(([key]) => key === valuesKey)?.[1];
      const from = `${kind} ${sync.metadata.namespace}/${name}`;
      if (text !== undefined) values.push({ from, text, isSecret: kind === 'Secret' });
      else if (!optional) {
        throw new ReasonError('ValuesNotFound', `${from} has no ${valuesKey}; add it, or say optional: true`);
      }
    }
    return values;
  };
  const releaseOf = async (sync: GitSync, chart: ChartArchive | undefined): Promise<ReadRelease> => {
    const { metadata, spec } = sync;
    const release: Release = {
      name: spec.render?.helm?.releaseName ?? metadata.name,
      namespace: spec.targetNamespace ?? metadata.namespace ?? '',
      capabilities: await discovery.capabilities(),
      values: await valuesOf(sync),
      chart,
    };
    const of = JSON.stringify([release.capabilities, release.values, chart?.digest]);
    return { release, digest: createHmac('sha256', digestKey).update(of).digest('hex').slice(0, 16) };
  };
  const isElsewhere = ({ spec }: GitSync): boolean => spec.render?.helm?.chart !== undefined;
  return {
    async of(sync) {
      const chart = isElsewhere(sync) ? charts.chart(sync) : undefined;
      if (chart instanceof Error) throw chart;
      return chart === 'unknown' ? undefined : releaseOf(sync, chart);
    },
    async before(sync) {
      const chart = isElsewhere(sync) ? await charts.before(sync) : undefined;
      return isElsewhere(sync) && !chart ? undefined : releaseOf(sync, chart);
    },
  };
};
