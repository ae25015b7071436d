import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { chartSpec } from '../api/helm-spec.ts';
import type { ReasonError } from '../api/reason-error.ts';
import { parseDocuments } from '../render/index.ts';
import { findInRepository, type KnownIndex } from './repository.ts';
import type { Web } from './web.ts';

const chart = (version: string) => chartSpec.parse({ repository: 'https://charts.example.com', name: 'web', version });
const VERSIONS = Array.from({ length: 1000 }, (_, i) => ({ version: `1.${i}.0`, urls: [`web-1.${i}.0.tgz`] }));

describe('the index of a chart repository', () => {
  /** A repository whose index does not change, and what is remembered of it. */
  const setUp = () => {
    const known: { index?: KnownIndex | undefined } = {};
    const statuses: number[] = [];
    const web: Web = async (url, { headers = {} }) => {
      const status = headers['if-none-match'] === '"one"' ? 304 : 200;
      statuses.push(status);
      const body = (async function* () {
        if (status === 200) yield Buffer.from(JSON.stringify({ entries: { web: VERSIONS } }));
      })();
      return { url, status, headers: { etag: '"one"' }, body };
    };
    const documentsOf = async (text: string, file: string) => parseDocuments(text, file);
    const find = (version: string) =>
      findInRepository(chart(version), { web, authorization: undefined, known, documentsOf });
    return { find, known, statuses };
  };

  it('is remembered by what was chosen of it, however much it lists', async () => {
    const { find, known, statuses } = setUp();
    assert.equal((await find('1.x')).version, '1.999.0');
    assert.equal((await find('1.x')).version, '1.999.0');
    assert.deepEqual(statuses, [200, 304]);
    assert.deepEqual(known.index?.newest.version, '1.999.0');
    assert.ok(JSON.stringify(known).length < 1000);
  });

  it('is read again, and says why, as long as it has nothing in the range', async () => {
    const { find, known, statuses } = setUp();
    for (let i = 0; i < 2; i += 1)
      await assert.rejects(find('2.x'), (e: ReasonError) =>
        /no version of web in 2.x, and 1000 others/.test(e.message),
      );
    assert.deepEqual(statuses, [200, 200]);
    assert.equal(known.index, undefined);
  });
});
