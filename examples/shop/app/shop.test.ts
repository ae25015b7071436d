import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { readFaults } from './faults.ts';
import { runLoad } from './load.ts';
import { createShop, type ShopOptions } from './service.ts';

const serve = async (
  options: Partial<ShopOptions>,
): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> => {
  const shop = createShop({
    service: 'checkout',
    version: 'v1',
    backendUrl: undefined,
    faults: readFaults({ failRatio: 0, file: undefined }),
    ...options,
  });
  shop.server.listen(0, '127.0.0.1');
  await once(shop.server, 'listening');
  return {
    url: `http://127.0.0.1:${(shop.server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      shop.server.close();
      shop.server.closeAllConnections();
    },
  };
};

describe('the sample shop', () => {
  it('fails the asked part of its requests, and says so in its metrics', async () => {
    await using shop = await serve({ faults: readFaults({ failRatio: 0.2, file: undefined }) });
    const result = await runLoad({ urls: [shop.url], rate: 200, durationMs: 500 });
    assert.deepEqual(result, { sent: 100, ok: 80, failed: 20, unanswered: 0 });
    const metrics = await (await fetch(`${shop.url}metrics`)).text();
    assert.match(metrics, /^http_requests_total\{service="checkout",code="500"\} 20$/m);
    assert.match(metrics, /^http_request_duration_seconds_count\{service="checkout"\} 100$/m);
  });

  it('takes faults from a configuration file, at once when that changes', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'shop-'));
    const file = join(dir, 'config.json');
    writeFileSync(file, '{"failRatio": 0}');
    await using shop = await serve({ faults: readFaults({ failRatio: 0, file }) });
    assert.equal((await fetch(shop.url)).status, 200);
    writeFileSync(file, '{"failRatio": 1}  ');
    assert.equal((await fetch(shop.url)).status, 500);
    rmSync(dir, { recursive: true });
  });

  it('leaks: it fails nothing at first, then more and more, up to the asked part', () => {
    let seconds = 0;
    const faults = readFaults({ failRatio: 0.5, file: undefined, leakSeconds: 10, now: () => seconds * 1000 });
    const failedAt = (time: number): number => {
      seconds = time;
      return Array.from({ length: 100 }, () => faults.fails()).filter(Boolean).length;
    };
    assert.deepEqual([0, 10, 15, 20, 60].map(failedAt), [0, 0, 25, 50, 50]);
  });

  it('is overrun by more requests than its capacity, and answers again when there are fewer', async () => {
    let seconds = 0;
    const faults = readFaults({ failRatio: 0, file: undefined, capacity: 3, now: () => seconds * 1000 });
    await using shop = await serve({ faults });
    const codes = async (): Promise<number[]> => {
      const found: number[] = [];
      for (let i = 0; i < 4; i++) found.push((await fetch(shop.url)).status);
      return found;
    };
    assert.deepEqual(await codes(), [200, 200, 200, 503]);
    seconds += 10;
    assert.deepEqual(await codes(), [200, 200, 200, 503]);
  });

  it('passes a failing backend on as 502 for an order, while its own page still works', async () => {
    await using checkout = await serve({ faults: readFaults({ failRatio: 1, file: undefined }) });
    await using web = await serve({ service: 'web', backendUrl: checkout.url });
    assert.equal((await fetch(`${web.url}order`)).status, 502);
    assert.equal((await fetch(web.url)).status, 200);
  });

  it('says which version answered', async () => {
    await using shop = await serve({ version: 'v7' });
    assert.deepEqual(await (await fetch(shop.url)).json(), { service: 'checkout', version: 'v7' });
  });
});
