import { ReasonError } from '../api/reason-error.ts';
import type { GitSourceSpec } from '../api/source.ts';
import type { FileTree, OpenOptions } from '../file-tree.ts';
import type { GitRoom, GitSource, Verification } from '../git/index.ts';
import type { Credentials } from './credentials.ts';
import type { Login } from './login.ts';
import type { Source, SourceMember } from './types.ts';

const identity = (
  { url, ref, secretRef, provider, serviceAccountName, verify }: GitSourceSpec,
  namespace: string,
): string => {
  const nameOf = ({ name }: { name: string }): string => `${namespace}/${name}`;
  const signed = verify ? [verify.mode, nameOf(verify.secretRef)] : [];
  const account = provider && serviceAccountName ? [provider, nameOf({ name: serviceAccountName })] : [];
  return JSON.stringify(['git', url, ref, secretRef ? nameOf(secretRef) : null, ...account, ...signed]);
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
    const login = credentials.login(spec, namespace);
    let source: GitSource = {
      url,
      ref,
      timeoutMs,
      ...(secret && { credentials: secret }),
      ...(login && { credentials: { account: login.account } }),
      ...(verify && { verify: await verification(verify, namespace, credentials) }),
      ...(tenant !== undefined && { tenant }),
    };
    return {
      identity: identity(spec, namespace),
      async resolve(options) {
        const asked = { ...(await withLogin(source, login)), ref };
        const { commit, revision, ref: tag, tagObject } = await git.resolve(asked, options);
        source = { ...source, ref: tag ?? ref, ...(isTagVerified(verify) && { tagObject: tagObject ?? null }) };
        // What may not be applied is no head: asked each time, for keys are added and withdrawn.
        if (verify) await open(source, { commit, login, git }, options);
        return { id: commit, revision };
      },
      open: (commit, options) => open(source, { commit, login, git }, options),
    };
  },
};

/** With what the login is now. */
const withLogin = async (source: GitSource, login: Login | undefined): Promise<GitSource> =>
  login ? { ...source, credentials: await login.now() } : source;

/** What is in a mirror needs no login: it is applied while the cloud gives none, too. */
const open = async (
  source: GitSource,
  { commit, login, git }: { commit: string; login: Login | undefined; git: GitRoom },
  options: OpenOptions = {},
): Promise<FileTree> => {
  if (!login || options.offline) return git.open(source, commit, options);
  const logged = await withLogin(source, login).catch((error: unknown) => ({ error }));
  if (!('error' in logged)) return git.open(logged, commit, options);
  return git.open(source, commit, { ...options, offline: true }).catch((notHere: unknown) => {
    throw isUnreachable(notHere) ? logged.error : notHere;
  });
};

const isUnreachable = (error: unknown): boolean =>
  error instanceof ReasonError && error.code === 'RepositoryUnreachable';
