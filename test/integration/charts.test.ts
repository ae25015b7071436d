import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { Agent } from 'undici';
import type { GitSync } from '../../src/api/gitsync.ts';
import { gitSyncSpec } from '../../src/api/gitsync.ts';
import { ReasonError } from '../../src/api/reason-error.ts';
import { type ArchiveStore, createArchiveStore } from '../../src/charts/archive-store.ts';
import { type Charts, createCharts } from '../../src/charts/charts.ts';
import { createWeb } from '../../src/charts/web.ts';
import { systemClock } from '../../src/clock.ts';
import type { GitCredentials } from '../../src/git/index.ts';
import { type ChartArchive, parseDocuments } from '../../src/render/index.ts';
import { isHopeless } from '../../src/sync/render/unrenderable.ts';
import { ensurePrograms } from '../../tools/cluster/build.ts';
import { writeCertificates } from '../../tools/cluster/certificates.ts';
import { type ChartRepository, type Registry, startChartRepository, startRegistry } from '../support/chart-servers.ts';
import { eventually } from '../support/poll.ts';
import { chartArchive } from '../support/tgz.ts';

const run = promisify(execFile);
const CREDENTIALS = { username: 'reader', password: 'hunter2' };

describe('a chart of a repository', () => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-charts-'));
  const pem = (name: string): string => readFileSync(join(dir, 'certificates', name), 'utf8');
  let helm: string;
  let charts: Charts | undefined;
  let store: ArchiveStore | undefined;
  let secret: GitCredentials;
  let changed: () => void;

  before(async function () {
    this.timeout(600_000);
    ({ helm } = await ensurePrograms(['helm'], { log: (line) => void process.stderr.write(`    ${line}\n`) }));
    await writeCertificates(join(dir, 'certificates'), [{ name: 'web', commonName: 'web', names: ['127.0.0.1'] }]);
  });
  after(() => rmSync(dir, { recursive: true }));
  beforeEach(() => {
    secret = {};
    store = undefined;
  });
  afterEach(async () => {
    await charts?.stop();
    charts = undefined;
  });

  const helmRun = (...args: string[]) => run(helm, args, { env: { HOME: dir, PATH: '' } });
  /** What `helm package` makes of a chart with one template. */
  const packaged = async (version: string, to: string): Promise<string> => {
    const files = {
      'Chart.yaml': `apiVersion: v2\nname: web\nversion: ${version}\n`,
      'templates/a.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  version: "${version}"\n`,
    };
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, 'web', name)), { recursive: true });
      writeFileSync(join(dir, 'web', name), text);
    }
    await helmRun('package', join(dir, 'web'), '--destination', to);
    return join(to, `web-${version}.tgz`);
  };
  const syncOf = (repository: string, version: string, secretRef = false): GitSync => ({
    apiVersion: 'metricops.dev/v1alpha1',
    kind: 'GitSync',
    metadata: { namespace: 'shop', name: 'web' },
    spec: gitSyncSpec.parse({
      source: { git: { url: 'https://git.example.com/shop.git' } },
      interval: '5s',
      render: { helm: { chart: { repository, name: 'web', version, ...(secretRef && { secretRef: { name: 'a' } }) } } },
    }),
  });
  /** Follows the chart of this GitSync, and gives it, or why it is not there. */
  const follow = async (
    sync: GitSync,
    refuse: (url: string) => void = () => {},
  ): Promise<{ now: () => ChartArchive | ReasonError | 'unknown'; notified: string[] }> => {
    const notified: string[] = [];
    const started = createCharts({
      credentials: {
        read: async () => secret,
        onChange: (handler) => {
          changed = () => handler({ namespace: 'shop', name: 'a' });
        },
      },
      clock: systemClock,
      random: Math.random,
      store,
      usersOf: () => [sync],
      refuse: (_, url) => refuse(url),
      documentsOf: async (text, file) => parseDocuments(text, file),
      onChange: (key) => void notified.push(key),
      onError: (error) => assert.fail(error as Error),
      onUnforeseen: (error) => assert.fail(error as Error),
    });
    charts = started;
    const now = () => started.chart(sync);
    assert.equal(now(), 'unknown');
    await eventually(() => notified.length > 0, { what: 'the first answer' });
    return { now, notified };
  };
  const archiveOf = (found: ChartArchive | ReasonError | 'unknown'): ChartArchive => {
    if (found === 'unknown' || found instanceof Error) throw new Error(`no chart: ${found}`);
    return found;
  };
  const refused = (found: ChartArchive | ReasonError | 'unknown', code: string, says: RegExp): void => {
    assert.ok(found instanceof ReasonError, JSON.stringify(found));
    assert.equal(found.code, code);
    assert.match(found.message, says);
  };

  describe('over HTTP', () => {
    let server: ChartRepository;
    beforeEach(async () => {
      server = await startChartRepository();
    });
    afterEach(() => server.close());

    /** As `helm repo index` lists them. */
    const serve = async (to: ChartRepository, versions: readonly string[]): Promise<void> => {
      const folder = mkdtempSync(join(dir, 'repository-'));
      for (const version of versions) {
        const archive = await packaged(version, folder);
        to.files.set(`/charts/web-${version}.tgz`, readFileSync(archive));
      }
      await helmRun('repo', 'index', folder);
      to.files.set('/charts/index.yaml', readFileSync(join(folder, 'index.yaml')));
    };

    it('is the newest of its range, as helm package made it', async () => {
      await serve(server, ['1.0.0', '1.2.0', '1.10.0', '2.0.0', '1.11.0-rc.1']);
      const { now } = await follow(syncOf(`${server.url}/charts`, '1.x'));
      const chart = archiveOf(now());
      assert.equal(chart.version, '1.10.0');
      assert.equal(chart.label, `web 1.10.0 of ${server.url}/charts`);
      assert.deepEqual(Buffer.from(await chart.read()), server.files.get('/charts/web-1.10.0.tgz'));
    });

    it('is another one when a newer one is there, and one that has not changed is not sent again', async () => {
      await serve(server, ['1.0.0']);
      const sync = syncOf(`${server.url}/charts/`, '1.x');
      const { now, notified } = await follow(sync);
      assert.equal(archiveOf(now()).version, '1.0.0');
      charts?.refresh(sync);
      await eventually(() => server.requests.includes('GET /charts/index.yaml 304'), { what: 'it is asked again' });
      assert.equal(server.requests.filter((request) => request.includes('.tgz')).length, 1);
      await serve(server, ['1.0.0', '1.0.1']);
      charts?.refresh(sync);
      await eventually(() => archiveOf(now()).version === '1.0.1', { what: 'the newer version' });
      assert.equal(notified.length, 2);
    });

    describe('whose archive gave way to others in memory', () => {
      /** Random, so that five of them are more than is kept. */
      const large = () => chartArchive('web', { 'Chart.yaml': randomBytes(3_500_000).toString('hex') });
      const list = (charts: Record<string, string>): void => {
        const entries = Object.entries(charts).map(([name, version]) => {
          const archive = server.files.get(`/${name}-${version}.tgz`);
          assert.ok(Buffer.isBuffer(archive));
          const digest = createHash('sha256').update(archive).digest('hex');
          return [name, [{ version, urls: [`${name}-${version}.tgz`], digest }]];
        });
        server.files.set('/index.yaml', JSON.stringify({ apiVersion: 'v1', entries: Object.fromEntries(entries) }));
      };
      const others = { a: '1.0.0', b: '1.0.0', c: '1.0.0', d: '1.0.0' };
      const sync = (name = 'web'): GitSync => {
        const { spec, ...rest } = syncOf(server.url, '1.x');
        const chart = { repository: server.url, name, version: '1.x' };
        return { ...rest, spec: gitSyncSpec.parse({ ...spec, interval: '1h', render: { helm: { chart } } }) };
      };
      const asked = (request: string): number => server.requests.filter((each) => each.startsWith(request)).length;

      let onDisk: () => string[];
      let found: Awaited<ReturnType<typeof follow>>;
      beforeEach(async () => {
        const to = mkdtempSync(join(dir, 'archives-'));
        onDisk = () => readdirSync(to).map((name) => join(to, name));
        store = createArchiveStore(to);
        for (const name of ['web', ...Object.keys(others)]) server.files.set(`/${name}-1.0.0.tgz`, large());
        list({ web: '1.0.0', ...others });
        found = await follow(sync());
        for (const name of Object.keys(others)) {
          charts?.chart(sync(name));
          await eventually(() => charts?.chart(sync(name)) !== 'unknown', { what: name });
        }
      });
      const loseDisk = (): void => {
        for (const file of onDisk()) rmSync(file);
      };

      it('is not waited for without end, however many answers come in time', async () => {
        server.files.set('/index.yaml', () => {}); // no answer
        const web = createWeb({
          agent: new Agent(),
          signal: new AbortController().signal,
          deadline: AbortSignal.timeout(200),
          timeoutMs: 60_000,
          refuse: () => {},
        });
        await assert.rejects(web(`${server.url}/index.yaml`, { maxBytes: 1000 }), {
          code: 'RepositoryUnreachable',
          message: /index.yaml can't be reached: it took too long$/,
        });
      });

      it('is read from the disk, whether or not the repository is there', async () => {
        const chart = archiveOf(found.now());
        const archive = server.files.get('/web-1.0.0.tgz');
        server.files.clear();
        assert.deepEqual(Buffer.from(await chart.read()), archive);
        assert.equal(asked('GET /web-1.0.0.tgz'), 1);
      });

      for (const [what, fail] of [
        ['another archive', () => server.files.set('/web-1.0.0.tgz', 'a page of a proxy')],
        ['more bytes than are taken', () => server.files.set('/web-1.0.0.tgz', Buffer.alloc(5 * 1024 * 1024))],
        ['an index that is none', () => server.files.set('/index.yaml', '{ "of a proxy": ')],
      ] as const)
        it(`is asked for again where the server sends ${what} for once: that is not the chart's fault`, async () => {
          const chart = archiveOf(found.now());
          const files = new Map(server.files);
          loseDisk();
          fail();
          await assert.rejects(
            async () => chart.read(),
            (e: ReasonError) => e.code === 'RepositoryUnreachable' && !isHopeless(e.code),
          );
          for (const [path, file] of files) server.files.set(path, file);
          assert.deepEqual(Buffer.from(await chart.read()), files.get('/web-1.0.0.tgz'));
        });

      it('is sent again when it is rendered, and not when it is looked for', async () => {
        const chart = archiveOf(found.now());
        for (const times of [1, 2]) {
          const before = asked('GET /index.yaml');
          charts?.refresh(sync());
          await eventually(() => asked('GET /index.yaml') > before, { what: `look ${times}` });
        }
        assert.equal(asked('GET /web-1.0.0.tgz'), 1);
        loseDisk();
        assert.deepEqual(Buffer.from(await chart.read()), server.files.get('/web-1.0.0.tgz'));
        assert.equal(asked('GET /web-1.0.0.tgz'), 2);
      });

      it('is looked for at once where the render finds a newer one in its place', async () => {
        server.files.set('/web-1.1.0.tgz', large());
        list({ web: '1.1.0', ...others });
        const stale = archiveOf(found.now());
        loseDisk();
        await assert.rejects(async () => stale.read(), /has changed meanwhile/);
        await eventually(() => archiveOf(found.now()).version === '1.1.0', { what: 'the newer version' });
      });
    });

    it('is none where the repository has none, or none in the range, in words', async () => {
      await serve(server, ['1.0.0']);
      refused(
        (await follow(syncOf(`${server.url}/charts`, '2.x'))).now(),
        'ChartNotFound',
        /has no version of web in 2.x, and 1 others/,
      );
      await charts?.stop();
      refused(
        (await follow(syncOf(`${server.url}/none`, '2.x'))).now(),
        'ChartNotFound',
        /none\/index.yaml answered 404/,
      );
    });

    it('is refused where its content is not what the index says', async () => {
      await serve(server, ['1.0.0']);
      server.files.set('/charts/web-1.0.0.tgz', 'something else');
      const { now } = await follow(syncOf(`${server.url}/charts`, '1.0.0'));
      refused(now(), 'ChartRefused', /^web 1.0.0 of .* has the digest [0-9a-f]{64}, and should have [0-9a-f]{64}$/);
    });

    it('is refused where it has more bytes than are taken', async () => {
      await serve(server, ['1.0.0']);
      server.files.set('/charts/web-1.0.0.tgz', Buffer.alloc(5 * 1024 * 1024));
      const { now } = await follow(syncOf(`${server.url}/charts`, '1.0.0'));
      refused(now(), 'ChartRefused', /web-1.0.0.tgz has more bytes than 4194304 are taken/);
    });

    it('is read with the credentials of its Secret, once they are right, which no other host is shown', async () => {
      const closed = await startChartRepository({ credentials: CREDENTIALS });
      await serve(closed, ['1.0.0']);
      const archive = closed.files.get('/charts/web-1.0.0.tgz') ?? '';
      server.files.set('/elsewhere.tgz', archive);
      closed.files.set(
        '/charts/web-1.0.0.tgz',
        (_, response) => void response.writeHead(302, { location: `${server.url}/elsewhere.tgz` }).end(),
      );
      const { now } = await follow(syncOf(`${closed.url}/charts`, '1.0.0', true));
      refused(now(), 'AuthenticationFailed', /answered 401: check the Secret of spec.render.helm.chart.secretRef/);
      secret = CREDENTIALS;
      changed();
      await eventually(() => !(now() instanceof Error), { what: 'the chart' });
      assert.deepEqual(Buffer.from(await archiveOf(now()).read()), archive);
      assert.ok(server.authorization.has('/elsewhere.tgz'));
      assert.equal(server.authorization.get('/elsewhere.tgz'), undefined);
      await closed.close();
    });

    it('is asked of no host that the platform refuses, and not of the addresses of a cloud', async () => {
      await serve(server, ['1.0.0']);
      server.files.set(
        '/charts/web-1.0.0.tgz',
        (_, response) => void response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end(),
      );
      const sync = syncOf(`${server.url}/charts`, '1.0.0');
      refused((await follow(sync)).now(), 'RepositoryUnreachable', /169.254.169.254 is an address of this machine/);
      await charts?.stop();
      const { now } = await follow(sync, (url) => {
        if (url.includes('169.254')) throw new ReasonError('HostRefused', `not ${url}`);
      });
      refused(now(), 'HostRefused', /169.254/);
    });

    it('is not asked for ever: redirects and silence end', async () => {
      server.files.set(
        '/charts/index.yaml',
        (_, response) => void response.writeHead(302, { location: '/charts/index.yaml' }).end(),
      );
      const sync = syncOf(`${server.url}/charts`, '1.0.0');
      refused((await follow(sync)).now(), 'RepositoryUnreachable', /redirects more than 5 times/);
      await charts?.stop();
      server.files.set('/charts/index.yaml', () => {});
      const { now } = await follow({ ...sync, spec: { ...sync.spec, timeout: '1s' } });
      refused(now(), 'RepositoryUnreachable', /index.yaml can't be reached: it took too long/);
    });
  });

  describe('of a registry', () => {
    let registry: Registry;
    beforeEach(async () => {
      registry = await startRegistry({ tls: { key: pem('web.key'), cert: pem('web.crt') }, credentials: CREDENTIALS });
      secret = { ...CREDENTIALS, ca: pem('ca.crt') };
    });
    afterEach(() => registry.close());

    const oci = (): string => `${registry.url.replace('https', 'oci')}/team/charts`;
    const push = async (...versions: string[]): Promise<void> => {
      const ca = ['--ca-file', join(dir, 'certificates/ca.crt')];
      const host = registry.url.slice('https://'.length);
      const { username, password } = CREDENTIALS;
      await helmRun('registry', 'login', host, '--username', username, '--password', password, ...ca);
      for (const version of versions) await helmRun('push', await packaged(version, dir), oci(), ...ca);
    };

    it('is the newest of its range, as helm push left it', async () => {
      await push('1.0.0', '1.2.0', '1.10.0+build.1', '2.0.0', '1.3.0');
      const { now } = await follow(syncOf(oci(), '1.x', true));
      const chart = archiveOf(now());
      assert.equal(chart.version, '1.10.0+build.1');
      assert.deepEqual(Buffer.from(await chart.read()), readFileSync(join(dir, 'web-1.10.0+build.1.tgz')));
      assert.equal(registry.authorization.get('/v2/team/charts/web/tags/list'), 'Bearer a-token-for-who-may-read');
    });

    it('is one version where one is named, and what helm pull gives', async () => {
      await push('1.0.0', '1.0.1');
      const { now } = await follow(syncOf(oci(), '1.0.0', true));
      const out = mkdtempSync(join(dir, 'pulled-'));
      const ca = ['--ca-file', join(dir, 'certificates/ca.crt')];
      await helmRun('pull', `${oci()}/web`, '--version', '1.0.0', '--destination', out, ...ca);
      assert.deepEqual(Buffer.from(await archiveOf(now()).read()), readFileSync(join(out, 'web-1.0.0.tgz')));
      assert.ok(!registry.requests.some((request) => request.startsWith('GET /v2/team/charts/web/tags')));
    });

    it('may lie in the storage of a cloud, which is not shown the token', async () => {
      await push('1.0.0');
      const storage = await startChartRepository({ tls: { key: pem('web.key'), cert: pem('web.crt') } });
      storage.files.set('/blob', readFileSync(join(dir, 'web-1.0.0.tgz')));
      registry.blobsAt = `${storage.url}/blob?signature=secret`;
      const { now } = await follow(syncOf(oci(), '1.0.0', true));
      assert.equal((await archiveOf(now()).read()).length, readFileSync(join(dir, 'web-1.0.0.tgz')).length);
      assert.deepEqual([...storage.authorization], [['/blob', undefined]]);
      await storage.close();
    });

    it('is shown by no page of tags to whoever the registry has answer for it', async () => {
      await push('1.0.0');
      const mirror = await startChartRepository({ tls: { key: pem('web.key'), cert: pem('web.crt') } });
      mirror.files.set('/tags', (_, response) => {
        registry.tagsAt = undefined;
        const link = '</v2/team/charts/web/tags/list?last=0.9.0>; rel="next"';
        response.writeHead(200, { link }).end(JSON.stringify({ tags: ['0.9.0'] }));
      });
      registry.tagsAt = `${mirror.url}/tags`;
      const { now } = await follow(syncOf(oci(), '*', true));
      assert.equal(archiveOf(now()).version, '1.0.0');
      assert.deepEqual([...mirror.authorization], [['/tags', undefined]]);
      await mirror.close();
    });

    it('may be what the index of a chart repository names', async () => {
      const open = await startRegistry({ tls: { key: pem('web.key'), cert: pem('web.crt') } });
      const at = `${open.url.replace('https', 'oci')}/team/charts`;
      await helmRun('push', await packaged('1.0.0', dir), at, '--ca-file', join(dir, 'certificates/ca.crt'));
      const repository = await startChartRepository({ credentials: CREDENTIALS });
      const entries = { web: [{ version: '1.0.0', urls: [`${at}/web:1.0.0`] }] };
      repository.files.set('/index.yaml', JSON.stringify({ apiVersion: 'v1', entries }));
      const { now } = await follow(syncOf(repository.url, '1.0.0', true));
      assert.deepEqual(Buffer.from(await archiveOf(now()).read()), readFileSync(join(dir, 'web-1.0.0.tgz')));
      assert.equal(open.authorization.get('/token'), undefined);
      await Promise.all([open.close(), repository.close()]);
    });

    it('is refused in words: wrong credentials, none, no such tag, no version, an unknown authority', async () => {
      await push('1.0.0');
      const ca = pem('ca.crt');
      const answer = async (version: string, given: GitCredentials) => {
        secret = given;
        await charts?.stop();
        return (await follow(syncOf(oci(), version, true))).now();
      };
      const wrong = { ...CREDENTIALS, ca, password: 'wrong' };
      refused(await answer('1.0.0', wrong), 'AuthenticationFailed', /refuses the credentials, or wants some: check/);
      refused(await answer('1.0.0', { ca }), 'AuthenticationFailed', /wants some: check the Secret/);
      refused(await answer('3.0.0', { ...CREDENTIALS, ca }), 'ChartNotFound', /manifests\/3.0.0 answered 404/);
      refused(
        await answer('3.x', { ...CREDENTIALS, ca }),
        'ChartNotFound',
        /has no version of web in 3.x, and 1 others/,
      );
      refused(await answer('1.0.0', CREDENTIALS), 'RepositoryUnreachable', /certificate/);
    });
  });
}).timeout(120_000);
