import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ReasonError } from '../api/reason-error.ts';
import { accessTo, isInternal } from './outbound.ts';

const access = (url: string, allowedHosts: string[] = [], isPlatform = false) =>
  accessTo(new URL(url), {
    hosts: allowedHosts,
    isPlatform,
    who: 'Notifications',
    setting: 'notifications.allowedHosts',
  });
const isHostRefused = (error: unknown): boolean => error instanceof ReasonError && error.code === 'HostRefused';

describe('an internal address', () => {
  for (const address of [
    '127.0.0.1',
    '127.255.0.1',
    '10.96.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '168.63.129.16',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    'fd00::1',
    'fe80::1',
    'ff02::1',
    '64:ff9b::a00:1',
    'no address',
  ])
    it(`is ${address}`, () => assert.equal(isInternal(address), true));

  for (const address of ['140.82.121.4', '172.32.0.1', '100.128.0.1', '2606:50c0:8000::153', '::ffff:140.82.121.4'])
    it(`is not ${address}`, () => assert.equal(isInternal(address), false));
});

describe('where a Notification may send to', () => {
  for (const url of [
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://[::1]:8080/',
    'http://[::ffff:169.254.169.254]/latest/meta-data',
    'https://10.96.0.1/api',
  ])
    it(`is not ${url}, which names an internal address`, () => assert.throws(() => access(url), isHostRefused));

  it('is no name of an internal address, whatever it is called', async () => {
    const { lookup } = access('http://localhost/');
    assert.ok(lookup);
    for (const all of [true, false]) {
      const error = await new Promise((resolve) => lookup('localhost', { all }, (failure) => resolve(failure)));
      assert.ok(isHostRefused(error), String(error));
    }
  });

  it('is what the platform names, and then nothing else', () => {
    assert.deepEqual(access('http://gitea.git.svc:3000/', ['gitea.git.svc:3000']), {});
    assert.deepEqual(access('http://127.0.0.1:1234/', ['127.0.0.1']), {});
    assert.throws(() => access('https://example.com/', ['*.example.com']), isHostRefused);
    assert.deepEqual(access('https://hooks.example.com/', ['*.example.com']), {});
    assert.throws(
      () => access('https://hooks.slack.com/', ['example.com']),
      /Notifications to hooks.slack.com are not allowed/,
    );
  });

  it("is anywhere for the platform's own", () => assert.deepEqual(access('http://127.0.0.1/', ['x'], true), {}));
});
