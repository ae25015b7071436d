import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type TarEntry, tgz } from '../../../test/support/tgz.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { fullAllowance, unpack } from './archive.ts';

describe('the archive of a chart', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'metricops-archive-'));
    mkdirSync(join(dir, 'out'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const unpacked = async (archive: Buffer, allowance = fullAllowance()): Promise<Record<string, string>> => {
    const out = join(dir, 'out');
    await unpack(Readable.from([archive], { objectMode: false }), out, { label: 'web', allowance });
    const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = files.map(({ parentPath, name }) => join(parentPath, name));
    return Object.fromEntries(paths.map((path) => [path.slice(out.length + 1), readFileSync(path, 'utf8')]));
  };
  const refused = (archive: Buffer, says: RegExp, allowance = fullAllowance()) =>
    assert.rejects(
      unpacked(archive, allowance),
      (e: ReasonError) => e instanceof ReasonError && e.code === 'ChartRefused' && says.test(e.message),
    );

  const long = `templates/${'a-long-name-'.repeat(20)}.yaml`;
  for (const format of ['ustar', 'gnu', 'pax']) {
    it(`is read as tar writes it, in the format ${format}`, async () => {
      const files = {
        'Chart.yaml': 'name: web\n',
        'templates/a.yaml': 'x'.repeat(5000),
        'empty.txt': '',
        ...(format === 'ustar' ? {} : { [long]: 'long\n' }),
      };
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(join(dir, 'web', dirname(name)), { recursive: true });
        writeFileSync(join(dir, 'web', name), text);
      }
      const archive = execFileSync('tar', ['-cz', `--format=${format}`, '-C', dir, 'web'], { maxBuffer: 1e7 });
      assert.deepEqual(await unpacked(archive), files);
    });
  }

  const hostile: [what: string, entry: TarEntry, says: RegExp][] = [
    [
      'leads out of its folder',
      { name: 'web/../../evil', content: 'x' },
      /a file with the name "web\/\.\.\/\.\.\/evil"/,
    ],
    ['is absolute', { name: '/web/evil', content: 'x' }, /a file with the name/],
    ['has a backslash', { name: 'web/a\\b', content: 'x' }, /a file with the name/],
    ['has no folder', { name: 'evil', content: 'x' }, /a file with the name "evil"/],
    ['is a symlink', { name: 'web/link', type: '2' }, /has web\/link, which is neither a file nor a folder/],
    ['is a device', { name: 'web/null', type: '3' }, /neither a file nor a folder/],
    ['is too large', { name: 'web/a', size: 6 * 1024 * 1024 }, /a file of 6291456 bytes; 5242880 are taken/],
    ['says that it has more than there is', { name: 'web/a', content: 'x', size: 4000 }, /ends too early/],
  ];
  for (const [what, entry, says] of hostile)
    it(`is refused where an entry ${what}`, async () => {
      await refused(tgz([entry]), says);
      assert.deepEqual(readdirSync(dir), ['out']);
    });

  it('is refused where it has a file twice', () => refused(tgz([{ name: 'a/b' }, { name: 'a/b' }]), /has b twice/));

  it('is refused where it is none', async () => {
    await refused(Buffer.from('no archive'), /can't be unpacked: incorrect header check/);
    await refused(gzipSync(Buffer.alloc(5000, 'x')), /has a header that is none/);
    await refused(tgz([]), /has no file/);
    await refused(tgz([{ name: 'web/a', content: 'x' }]).subarray(0, 40), /can't be unpacked/);
  });

  it('is not what is wrong where the disk refuses it: that may pass, and a refused chart is not tried again', async () => {
    const archive = Readable.from([tgz([{ name: 'web/a', content: 'x' }])], { objectMode: false });
    // Nobody can write there.
    await assert.rejects(
      unpack(archive, '/sys/metricops', { label: 'web', allowance: fullAllowance() }),
      (e: NodeJS.ErrnoException) => !(e instanceof ReasonError) && e.syscall === 'mkdir',
    );
  });

  it('is refused where its own names contradict one another', async () => {
    await refused(tgz([{ name: 'web/a', content: 'x' }, { name: 'web/a/b' }]), /can't be unpacked/);
    await refused(
      tgz([{ name: `web/${'a'.repeat(90)}/${'b'.repeat(2)}` }, { name: `web/${'a'.repeat(90)}` }]),
      /can't/,
    );
  });

  it('is not unpacked to more than one render takes, whichever of its archives it comes from', async () => {
    const bomb = tgz(Array.from({ length: 20 }, (_, i) => ({ name: `web/${i}`, content: Buffer.alloc(4_000_000) })));
    assert.ok(bomb.length < 500_000);
    await refused(bomb, /unpacks to more than the 67108864 bytes that one render takes/);
    await refused(tgz([{ name: 'web/a', content: 'xx' }]), /unpacks to more/, {
      ...fullAllowance(),
      files: 1,
      bytes: 1,
    });
    await refused(tgz([{ name: 'web/a' }, { name: 'web/b' }]), /more than the 10000 files/, {
      ...fullAllowance(),
      files: 1,
      bytes: 1,
    });
  });

  it('is refused where its folders nest too deep', async () => {
    const deep = (folders: number) => tgz([{ name: `web/${'a/'.repeat(folders)}f`, content: 'x' }]);
    assert.deepEqual(await unpacked(deep(32)), { [`${'a/'.repeat(32)}f`]: 'x' });
    await refused(deep(33), /^the archive of web has a\/a\/.*, whose folders nest deeper than 32$/);
  });

  it('pays for its folders as for files, each once', async () => {
    const files = (count: number) => ({ ...fullAllowance(), files: count });
    const small = tgz([{ name: 'web/a/b/f' }, { name: 'web/a/b/g' }, { name: 'web/a/c/f' }]);
    assert.deepEqual(Object.keys(await unpacked(small, files(6))).toSorted(), ['a/b/f', 'a/b/g', 'a/c/f']);
    const before = readdirSync(join(dir, 'out'), { recursive: true }).length;
    const many = tgz(Array.from({ length: 20 }, (_, i) => ({ name: `web/${i}/${'a/'.repeat(30)}f` })));
    await refused(many, /more than the 10000 files and folders that one render takes/, files(300));
    assert.ok(readdirSync(join(dir, 'out'), { recursive: true }).length - before <= 300);
    rmSync(join(dir, 'out'), { recursive: true });
    await refused(small, /more than the 10000 files and folders/, files(5));
  });
});
