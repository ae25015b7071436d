import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { chartSpec } from '../api/helm-spec.ts';
import { ReasonError } from '../api/reason-error.ts';
import { CHART_LIMITS } from './limits.ts';
import { downloadFromRegistry, findInRegistry } from './registry.ts';
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

  describe('go on where the page that was asked for says', () => {
    const ASKED = 'https://registry.example.com/v2/charts/web/tags/list?n=1000';
    /** A registry with a first page that is answered by this address, with this Link. */
    const first = (link: string, answeredBy = ASKED) => {
      const asked: { url: string; authorization: string | undefined }[] = [];
      const web: Web = async (url, { authorization }) => {
        asked.push({ url, authorization });
        const isFirst = url === ASKED;
        const tags = isFirst ? ['1.0.0'] : ['1.1.0'];
        const body = (async function* () {
          yield Buffer.from(JSON.stringify(url.includes('/tags/list') ? { tags } : { layers: [LAYER] }));
        })();
        return { url: isFirst ? answeredBy : url, status: 200, headers: isFirst ? { link } : {}, body };
      };
      return { asked, find: () => findInRegistry(range, { web, authorization: 'Basic mine' }) };
    };
    const MIRROR = 'https://mirror.example.net/v2/web/tags/list';

    it('at the registry itself, though another host answered: that one is not shown the credentials', async () => {
      const { asked, find } = first('</v2/charts/web/tags/list?last=1.0.0>; rel="next"', MIRROR);
      assert.equal((await find()).version, '1.1.0');
      assert.deepEqual([...new Set(asked.map(({ url }) => new URL(url).host))], ['registry.example.com']);
    });

    it('and do not where the header is long and none', async () => {
      const { asked, find } = first(`${'<'.repeat(1_000_000)}>, <${'a'.repeat(1_000_000)}`);
      assert.equal((await find()).version, '1.0.0');
      assert.equal(asked.length, 2);
    });

    it('also where the Link has other words before that', async () => {
      const { find } = first('</v2/charts/web/tags/list?last=1.0.0>; title="more"; rel="next"');
      assert.equal((await find()).version, '1.1.0');
    });

    it('with https where a proxy has the registry say http', async () => {
      const { asked, find } = first('<http://registry.example.com/v2/charts/web/tags/list?last=1.0.0>; rel="next"');
      assert.equal((await find()).version, '1.1.0');
      assert.equal(asked[1]?.url, 'https://registry.example.com/v2/charts/web/tags/list?last=1.0.0');
    });

    for (const [what, link, answeredBy] of [
      ['another host', `<${MIRROR}?last=1.0.0>; rel="next"`, ASKED],
      ['the host that was redirected to', `<${MIRROR}?last=1.0.0>; rel="next"`, MIRROR],
      ['another port', '<http://registry.example.com:8080/v2/charts/web/tags/list>; rel="next"', ASKED],
      ['what is no address', '<https://[>; rel="next"', ASKED],
    ] as const)
      it(`and are refused where that is ${what}, for the newest one may be there`, async () => {
        const { asked, find } = first(link, answeredBy);
        await assert.rejects(
          find(),
          (e: ReasonError) =>
            e.code === 'ChartRefused' &&
            /^https:\/\/registry.example.com\/v2\/charts\/web\/tags\/list goes on at .*: name one version/.test(
              e.message,
            ),
        );
        assert.equal(asked.length, 1);
      });
  });

  it('are of one repository, however many slashes an index has in its name', async () => {
    const asked: string[] = [];
    const web: Web = async (url) => {
      asked.push(url);
      throw new ReasonError('ChartNotFound', 'none');
    };
    const name = `oci://registry.example.com/a${'/'.repeat(1_000_000)}web`;
    await assert.rejects(downloadFromRegistry(name, '1.0.0', { web, authorization: undefined }), /none/);
    assert.deepEqual(asked, ['https://registry.example.com/v2/a/web/manifests/1.0.0']);
  });
});
