import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ReasonError } from '../../src/api/reason-error.ts';
import { parseRepositoryUrl } from '../../src/api/repository-url.ts';
import { compareVersions, versionOf, versionRange } from '../../src/api/version-range.ts';
import { applyDelta, deltaSizes } from '../../src/git/delta.ts';
import { parseCommit, parseFolder } from '../../src/git/folder.ts';
import { matchesPath } from '../../src/git/glob.ts';
import { ignoredBy } from '../../src/git/ignore.ts';
import { defaultLimits } from '../../src/git/limits.ts';
import { packet, readPackets } from '../../src/git/packets.ts';
import { readTagHeader, signedCommit, signedTag } from '../../src/git/signatures/signed-object.ts';
import { readSshKey } from '../../src/git/signatures/ssh-key.ts';
import { checkSsh } from '../../src/git/signatures/ssh-signature.ts';
import { MalformedError, wireString } from '../../src/git/signatures/wire.ts';
import { sshTargetOf } from '../../src/git/ssh-target.ts';
import { problemOf } from '../../src/git/ssh-words.ts';
import { bytesLike, textLike } from './pieces.ts';
import { orRefused, type Property, property } from './run.ts';

const isReason = (error: unknown): boolean => error instanceof ReasonError;
const isMalformed = (error: unknown): boolean => error instanceof MalformedError;

const OID = 'a'.repeat(40);
const TREE = Buffer.concat([
  Buffer.from('100644 a.yaml\0'),
  Buffer.alloc(20, 1),
  Buffer.from('40000 apps\0'),
  Buffer.alloc(20, 2),
  Buffer.from('120000 link\0'),
  Buffer.alloc(20, 3),
]);
const COMMIT = Buffer.from(`tree ${OID}\nparent ${OID}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nwords\n`);
const SIGNED = Buffer.from(
  `tree ${OID}\ngpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\n -----END SSH SIGNATURE-----\n\nwords\n`,
);
const TAG = Buffer.from(`object ${OID}\ntype commit\ntag v1.0.0\ntagger A <a@b> 1 +0000\n\nwords\n`);
const BASE = Buffer.from('the content of a file in its version of before');
/** Copies ten bytes of the base, then adds two. */
const DELTA = Buffer.from([BASE.length, 12, 0x90, 10, 2, 0x61, 0x62]);
const SSH_KEY = Buffer.concat([wireString('ssh-ed25519'), wireString(Buffer.alloc(32, 7))]);
const SSH_SIGNATURE = Buffer.concat([
  Buffer.from('SSHSIG'),
  Buffer.from([0, 0, 0, 1]),
  ...[SSH_KEY, 'git', '', 'sha512'].map(wireString),
  wireString(Buffer.concat([wireString('ssh-ed25519'), wireString(Buffer.alloc(64, 9))])),
]);
const armored = (bytes: Buffer): string =>
  `-----BEGIN SSH SIGNATURE-----\n${bytes.toString('base64').replaceAll(/(.{70})/g, '$1\n')}\n-----END SSH SIGNATURE-----`;

/** In chunks that end at the cuts. */
async function* chunksOf(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (const cut of cuts.toSorted((a, b) => a - b)) {
    yield bytes.subarray(from, cut);
    from = Math.max(from, cut);
  }
  yield bytes.subarray(from);
}

const LINES = Buffer.from(`${packet('version 2\n')}${packet('ls-refs\n')}0001${packet('peel\n')}0000`);

export const gitProperties: readonly Property[] = [
  property(
    'lines of the protocol of Git',
    fc.tuple(bytesLike(LINES, Buffer.from('0008ERR no0000')), fc.array(fc.nat(60), { maxLength: 3 })),
    orRefused(isReason, async ([bytes, cuts]) => {
      for await (const _ of readPackets('https://git.example.com/a.git', chunksOf(bytes, cuts)));
    }),
  ),
  property('a folder of Git', bytesLike(TREE), orRefused(isReason, parseFolder)),
  property('a commit of Git', bytesLike(COMMIT, SIGNED), orRefused(isReason, parseCommit)),
  property(
    'a delta of a pack',
    bytesLike(DELTA),
    orRefused(isReason, (delta) => {
      const { result } = deltaSizes(delta);
      // Whoever applies one has asked before whether there is room for what it makes.
      if (result < 1e6) assert.equal(applyDelta(BASE, delta).length, result);
    }),
  ),
  property(
    'a signed commit or tag',
    bytesLike(SIGNED, COMMIT, TAG),
    orRefused(isMalformed, (bytes) => {
      signedTag(bytes);
      readTagHeader(bytes);
      assert.ok(signedCommit(bytes).payload.length <= bytes.length);
    }),
  ),
  property('a public key of SSH', bytesLike(SSH_KEY), orRefused(isMalformed, readSshKey)),
  property(
    'a signature of SSH',
    bytesLike(SSH_SIGNATURE),
    orRefused(isMalformed, (bytes) => {
      const { result } = checkSsh(Buffer.from('payload'), armored(bytes), [readSshKey(SSH_KEY)]);
      assert.notEqual(result, 'Good');
    }),
  ),
  property(
    'the armor of a signature',
    textLike(armored(SSH_SIGNATURE)),
    orRefused(isMalformed, (text) => {
      assert.notEqual(checkSsh(Buffer.from('payload'), text, [readSshKey(SSH_KEY)]).result, 'Good');
    }),
  ),
  property(
    'patterns of .sourceignore',
    fc.tuple(
      textLike('*.md\n!README.md\n/docs/\n**/test/**\n', '# words\n\\#a\n[a-z]*[!0-9]?\n a \\ \n', '**/a/**/b\n*a*b*c'),
      textLike('docs/README.md', 'a/b/test/c.yaml', '[a-z]'),
    ),
    orRefused(isReason, ([text, path]) => {
      const isIgnored = ignoredBy([{ folder: '.', text }], defaultLimits);
      assert.equal(typeof isIgnored(path.split('/'), false), 'boolean');
    }),
  ),
  property(
    'patterns of folders',
    fc.tuple(textLike('apps/*', '*/over*lays/*-prod', './a//b/'), textLike('apps/web', 'a/overlays/eu-prod')),
    ([pattern, path]) => void matchesPath(pattern, path),
  ),
  property(
    'addresses of repositories',
    textLike('https://git.example.com/team/shop.git', 'git@host:team/shop.git', 'ssh://git@[::1]:22/a', 'file:///etc'),
    orRefused(isReason, (text) => {
      const parsed = parseRepositoryUrl(text);
      if (parsed.ok) assert.ok(parsed.url.href);
      else assert.ok(parsed.message);
      const target = sshTargetOf(text);
      if (target) assert.doesNotMatch(`${target.host} ${target.user}`, /^-| -/);
    }),
  ),
  property(
    'what ssh complains of',
    textLike('Host key verification failed.\r\n', 'Permission denied (publickey).'),
    (text) => assert.ok(problemOf('ssh://git@host/a', text) instanceof ReasonError),
  ),
  property(
    'versions and ranges of them',
    fc.tuple(textLike('1.2.3', 'v1.2.3-rc.1+build'), textLike('^1.2', '>=1.0.0 <2 || 3.x', '~1.2.3', '1.2 - 1.4')),
    ([tag, text]) => {
      const version = versionOf(tag);
      const range = versionRange(text);
      if (!version) return;
      assert.equal(compareVersions(version, version), 0);
      if (range) assert.equal(typeof range(version), 'boolean');
    },
  ),
];
