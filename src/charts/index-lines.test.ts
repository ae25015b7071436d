import assert from 'node:assert/strict';
import { load } from 'js-yaml';
import { describe, it } from 'mocha';
import { linesOfChart } from './index-lines.ts';

const INDEX = `apiVersion: v1
entries:
  # of the team
  alpine:
  - version: 1.0.0
    urls:
    - https://charts.example.com/alpine-1.0.0.tgz
  "web":
    - version: 2.0.0
      description: |
        entries:
          web: no chart
      urls: [web-2.0.0.tgz]

    - version: 1.0.0
      urls: [web-1.0.0.tgz]
  web-extra:
    - version: 9.0.0
generated: "2026-11-01T00:00:00Z"
web:
  - version: 8.0.0
`;

/** In pieces, as a connection brings it. */
async function* inPieces(text: string, bytes: number): AsyncGenerator<Buffer> {
  const all = Buffer.from(text);
  for (let at = 0; at < all.length; at += bytes) yield all.subarray(at, at + bytes);
}
const versionsOf = async (text: string, chart: string, bytes = 7): Promise<unknown> => {
  const { entries } = load(await linesOfChart(inPieces(text, bytes), chart)) as { entries?: Record<string, unknown[]> };
  return entries?.[chart]?.map((entry) => (entry as { version: string }).version);
};

describe('an index of charts', () => {
  it('is read for one chart, whatever its indentation and quotes', async () => {
    assert.deepEqual(await versionsOf(INDEX, 'alpine'), ['1.0.0']);
    assert.deepEqual(await versionsOf(INDEX, 'web'), ['2.0.0', '1.0.0']);
    assert.deepEqual(await versionsOf(INDEX, 'web-extra', 1), ['9.0.0']);
    assert.deepEqual(await versionsOf(INDEX.replaceAll('\n', '\r\n'), 'web'), ['2.0.0', '1.0.0']);
    assert.equal(await versionsOf(INDEX, 'none'), undefined);
  });

  it('may be JSON', async () => {
    const json = JSON.stringify({ entries: { web: [{ version: '1.0.0' }] } }, undefined, 2);
    assert.deepEqual(await versionsOf(json, 'web'), ['1.0.0']);
  });

  it('keeps nothing of other charts, however many there are', async () => {
    const others = Array.from({ length: 50_000 }, (_, i) => `  other-${i}:\n  - version: 1.0.0\n    urls: [a]\n`).join(
      '',
    );
    const lines = await linesOfChart(inPieces(INDEX.replace('  # of the team\n', others), 65_536), 'web');
    assert.ok(lines.length < 400);
  });

  it('may come byte by byte in the middle of a line: what was read before is not copied each time', async () => {
    async function* drip(): AsyncGenerator<Buffer> {
      yield Buffer.from(`entries:\n  web:\n  - description: ${'x'.repeat(3 * 1024 * 1024)}`);
      for (let i = 0; i < 200_000; i += 1) yield Buffer.from('x');
      yield Buffer.from('\n    version: 1.0.0\n');
    }
    const lines = await linesOfChart(drip(), 'web');
    assert.equal(lines.slice(-25).trimEnd(), 'xxxx\n    version: 1.0.0');
  });

  it('is refused where one chart, or one line, has no end', async () => {
    const long = 'x'.repeat(5 * 1024 * 1024);
    for (const text of [
      `entries:\n  web:\n  - version: ${long}\n`,
      long,
      `entries:\n  web:\n${`  - ${long.slice(0, 1e6)}\n`.repeat(5)}`,
    ])
      await assert.rejects(linesOfChart(inPieces(text, 65_536), 'web'), /more than 4194304 bytes of web/);
  });
});
