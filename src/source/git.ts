import type { GitSourceSpec } from '../api/source.ts';
import type { GitSource, Verification } from '../git/index.ts';
import type { Credentials } from './credentials.ts';
import type { Source, SourceMember } from './types.ts';

const identity = ({ url, ref, secretRef, verify }: GitSourceSpec, namespace: string): string => {
  const nameOf = ({ name }: { name: string }): string => `${namespace}/${name}`;
  const signed = verify ? [verify.mode, nameOf(verify.secretRef)] : [];
  return JSON.stringify(['git', url, ref, secretRef ? nameOf(secretRef) : null, ...signed]);
};

type Verify = NonNullable<GitSourceSpec['verify']>;

const isTagVerified = (verify: Verify | undefined): boolean => verify !== undefined && verify.mode !== 'HEAD';

const verification = async (
  { mode, secretRef: { name } }: Verify,
  namespace: string,
  credentials: Credentials,
): Promise<Verification> => ({
  mode,
  secret: `${namespace}/${name}`,
  files: await credentials.publicKeys({ namespace, name }),
});

/** A ref of a Git repository; a version is a commit. */
export const gitMember: SourceMember<GitSourceSpec> = {
  identity,
  secrets: ({ secretRef, verify }) => [secretRef, verify?.secretRef].flatMap((ref) => ref?.name ?? []),
  async connect(spec, { namespace, timeoutMs, tenant }, { credentials, git }): Promise<Source> {
    const { url, ref, secretRef, verify } = spec;
    const secret = secretRef && (await credentials.read({ namespace, name: secretRef.name }));
    let source: GitSource = {
      url,
      ref,
      timeoutMs,
      ...(secret && { credentials: secret }),
      ...(verify && { verify: await verification(verify, namespace, credentials) }),
      ...(tenant !== undefined && { tenant }),
    };
    return {
      identity: identity(spec, namespace),
      async resolve(options) {
        const { commit, revision, ref: tag, tagObject } = await git.resolve({ ...source, ref }, options);
        source = { ...source, ref: tag ?? ref, ...(isTagVerified(verify) && { tagObject: tagObject ?? null }) };
        // What may not be applied is no head: asked each time, for keys are added and withdrawn.
        if (verify) await git.open(source, commit, options);
        return { id: commit, revision };
      },
      open: (id, options) => git.open(source, id, options),
    };
  },
};
