import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { chartSpec } from '../api/helm-spec.ts';
import type { ReasonError } from '../api/reason-error.ts';
import { CHART_LIMITS } from './limits.ts';
import { findInRegistry } from './registry.ts';
import type { Web } from './web.ts';

const LAYER = {
  mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
  digest: `sha256:${'a'.repeat(64)}`,
};
const range = chartSpec.parse({ repository: 'oci://registry.example.com/charts', name: 'web', version: '*' });

/** A registry that gives these pages of tags, and a manifest for each of them. */
const registry =
  (pages: readonly (readonly string[])[]): Web =>
  async (url) => {
    const page = Number(new URL(url).searchParams.get('page') ?? 0);
    const isList = url.includes('/tags/list');
    const next = `</v2/charts/web/tags/list?page=${page + 1}>; rel="next"`;
    const body = (async function* () {
      yield Buffer.from(JSON.stringify(isList ? { tags: pages[page] } : { layers: [LAYER] }));
    })();
    return { url, status: 200, headers: isList && page + 1 < pages.length ? { link: next } : {}, body };
  };
const found = (pages: readonly (readonly string[])[]) =>
  findInRegistry(range, { web: registry(pages), authorization: undefined });
const tooMany = (e: ReasonError): boolean =>
  e.code === 'ChartRefused' && /has more than .* of tags, .* name one version|more than 20000 tags/.test(e.message);

describe('the tags of a chart in a registry', () => {
  it('are read to the last page', async () => {
    const pages = Array.from({ length: 150 }, (_, i) => [`1.${i}.0`, `sha256-${i}.sig`]);
    assert.equal((await found(pages)).version, '1.149.0');
  });

  it('are refused where there are more than are read, for the newest one may be among the others', async () => {
    const pages = Array.from({ length: CHART_LIMITS.pages + 1 }, (_, i) => [`1.${i}.0`]);
    await assert.rejects(found(pages), tooMany);
  });

  it('are refused where there are too many for the memory, on however few pages', async () => {
    const page = Array.from({ length: CHART_LIMITS.tags / 2 + 1 }, (_, i) => `1.0.${i}`);
    await assert.rejects(found([page, page]), tooMany);
  });
});
