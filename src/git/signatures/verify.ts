import { ReasonError } from '../../api/reason-error.ts';
import type { GitRef } from '../../api/source.ts';
import { versionOf, versionRange } from '../../api/version-range.ts';
import type { Objects } from '../objects.ts';
import type { Verification } from '../types.ts';
import { checkPgp } from './pgp-signature.ts';
import { readTagHeader, type Signed, signedCommit, signedTag } from './signed-object.ts';
import { checkSsh, SSH_SIGNATURE } from './ssh-signature.ts';
import { readTrustedKeys, type TrustedKeys } from './trusted-keys.ts';
import type { Verdict } from './verdict.ts';
import { MalformedError } from './wire.ts';

/** What is to be applied, and why that one. */
export interface Applied {
  commit: string;
  ref: GitRef;
  /** Tag objects that may name the commit; those of them that don't exist are none. */
  tags: readonly string[];
}

/**
 * Refuses a commit that is not signed as the GitSync demands. Rejects with ReasonError NotSigned, SignatureInvalid or
 * SecretNotFound, and with RepositoryDamaged.
 */
export const assertSigned = async (
  { mode, secret, files }: Verification,
  { commit, ref, tags }: Applied,
  objects: Pick<Objects, 'has' | 'read'>,
): Promise<void> => {
  const trusted = { ...readTrustedKeys(secret, files), secret };
  if (mode !== 'Tag') {
    const { content } = objects.read(commit);
    await assertSignedBy(trusted, `commit ${commit}`, () => signedCommit(content));
  }
  if (mode !== 'HEAD') {
    const { name, content } = tagOf(commit, ref, tags, objects);
    await assertSignedBy(trusted, `tag ${name} of commit ${commit}`, () => signedTag(content));
  }
};

/** The annotated tag that the ref names. Its name is signed: a tag of another name proves nothing of this one. */
const tagOf = (
  commit: string,
  ref: GitRef,
  tags: readonly string[],
  objects: Pick<Objects, 'has' | 'read'>,
): { name: string; content: Buffer } => {
  for (const oid of tags.filter(objects.has)) {
    const { type, content } = objects.read(oid);
    if (type !== 'tag') continue;
    const { object, name } = unlessMalformed(`tag object ${oid}`, () => readTagHeader(content));
    if (object === commit && isNamed(name, ref)) return { name, content };
  }
  throw new ReasonError('NotSigned', `commit ${commit} has no annotated tag ${ref.tag ?? ref.semver}; ${SIGN_TAG}`);
};

const SIGN_TAG = 'spec.source.git.verify.mode demands one that is signed: `git tag -s`';

const isNamed = (name: string, { tag, semver }: GitRef): boolean => {
  if (tag !== undefined) return name === tag;
  const version = versionOf(name);
  return semver !== undefined && version !== undefined && versionRange(semver)?.(version) === true;
};

const assertSignedBy = async (
  { secret, ...keys }: TrustedKeys & { secret: string },
  what: string,
  read: () => Signed,
): Promise<void> => {
  const { payload, signature } = unlessMalformed(what, read);
  if (signature === undefined)
    throw new ReasonError('NotSigned', `${what} is not signed; sign it with one of the keys of Secret ${secret}`);
  const { result, signer } = await check(payload, signature, keys).catch((error: unknown) => {
    throw refusedAs(what, error);
  });
  if (result === 'Unknown') throw invalid(what, `it is signed by ${signer}, which is no key of Secret ${secret}`);
  if (result !== 'Good')
    throw invalid(
      what,
      `its signature by ${signer} is not good: the content was changed, or the key is revoked or was not valid then`,
    );
};

const PGP_SIGNATURE = '-----BEGIN PGP SIGNATURE-----';

const check = async (payload: Buffer, signature: string, { ssh, pgp }: TrustedKeys): Promise<Verdict> => {
  if (signature.startsWith(SSH_SIGNATURE)) return checkSsh(payload, signature, ssh);
  if (signature.startsWith(PGP_SIGNATURE)) return checkPgp(payload, signature, pgp);
  throw new MalformedError('its signature is neither by SSH nor by OpenPGP');
};

const unlessMalformed = <T>(what: string, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    throw refusedAs(what, error);
  }
};

const refusedAs = (what: string, error: unknown): unknown =>
  error instanceof MalformedError ? invalid(what, error.message) : error;

const invalid = (what: string, problem: string): ReasonError =>
  new ReasonError('SignatureInvalid', `${what} is refused: ${problem}`);
