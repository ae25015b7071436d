import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { checkedAddress, checkedLookup, refuseForbiddenAddress } from './addresses.ts';

describe('the address of a Git server', () => {
  for (const url of [
    'http://169.254.169.254/latest/meta-data',
    'http://2852039166/x.git',
    'http://0xa9fea9fe/x.git',
    'https://[fe80::1]/x.git',
    'https://[::ffff:169.254.169.254]/x.git',
    'https://[fd00:ec2::254]/x.git',
    'https://[fd00:ec2::23]/x.git',
    'https://[fd20:ce::254]/x.git',
    'http://[fd20:ce::254]/x.git',
    'http://168.63.129.16/machine',
    'http://100.100.100.200/x.git',
    'ssh://git@169.254.169.254/x.git',
    'git@169.254.169.254:x.git',
  ])
    it(`is none of the metadata of a cloud, however it is written: ${url}`, () =>
      assert.throws(() => refuseForbiddenAddress(url), { code: 'RepositoryUnreachable', message: /no repository is/ }));

  for (const url of [
    'https://github.com/a/b.git',
    'http://127.0.0.1/x.git',
    'https://10.0.0.1/x.git',
    'git@host:x',
    'x',
  ])
    it(`may be ${url}`, () => refuseForbiddenAddress(url));

  it('is checked once its name is resolved, by the lookup that the connection uses', async () => {
    const of = (host: string, all: boolean) =>
      new Promise((resolve) => checkedLookup(host, { all }, (error, found) => resolve(error?.message ?? found)));
    assert.match(String(await of('169.254.169.254', true)), /no repository is/);
    assert.match(String(await of('169.254.169.254', false)), /no repository is/);
    assert.equal(await of('127.0.0.1', false), '127.0.0.1');
    assert.deepEqual(await of('127.0.0.1', true), [{ address: '127.0.0.1', family: 4 }]);
    assert.match(String(await of('no.such.host.invalid', true)), /ENOTFOUND|EAI_AGAIN/);
  });

  it('is checked for a program, which gets the address and not the name', async () => {
    const url = 'ssh://git@host/x.git';
    assert.equal(await checkedAddress(url, '127.0.0.1'), '127.0.0.1');
    // As the library of the machine reads it: 169.254.169.254.
    await assert.rejects(checkedAddress(url, '2852039166'), { code: 'RepositoryUnreachable' });
    await assert.rejects(checkedAddress(url, 'no.such.host.invalid'), { code: 'RepositoryUnreachable' });
  });
});
