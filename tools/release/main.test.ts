import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';

describe('npm run release', function () {
  this.timeout(60_000); // each is a process of its own
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'metricops-release-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const release = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { encoding: 'utf8' });
  const refusal = (...args: string[]): string => {
    const { status, stderr } = release(...args);
    assert.ok(status === 1 || status === 2, stderr);
    assert.match(stderr, /\n {2}→ \S/); // what to do
    return stderr;
  };

  it('explains its options', () => {
    const { status, stdout } = release('--help');
    assert.equal(status, 0);
    assert.match(stdout, /Usage: npm run release -- VERSION --out DIR/);
  });

  it('says what is wrong with the command before it builds anything', () => {
    const out = join(dir, 'out');
    assert.match(refusal('--out', out), /One VERSION is needed/);
    assert.match(refusal('v1.0', '--out', out), /"v1.0" is no version/);
    assert.match(refusal('1.0.0'), /--out DIR is missing/);
    assert.match(refusal('1.0.0', '--out', out, '--registri', 'x'), /registri/);
    assert.match(refusal('1.0.0', '--out', out, '--registry', 'https://x'), /no name such as registry\.example\.com/);
    assert.match(refusal('1.0.0', '--out', out, '--url', 'x'), /no https:\/\/ address/);
  });

  it('writes into no folder that holds something else', () => {
    writeFileSync(join(dir, 'mine'), '');
    assert.match(refusal('1.0.0', '--out', dir), /is not empty/);
  });

  it('signs with an Ed25519 key only, and says how to make one', () => {
    const file = join(dir, 'release.key');
    writeFileSync(file, 'none');
    const out = join(dir, 'out');
    assert.match(refusal('1.0.0', '--out', out, '--key', file), /is no private key as PEM[\s\S]*openssl genpkey/);
    execFileSync('openssl', ['ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', file], { stdio: 'ignore' });
    assert.match(refusal('1.0.0', '--out', out, '--key', file), /is a key of ec, and .* Ed25519/);
  });
});
