import type { GitRef, GitSourceSpec } from '../api/source.ts';
import type { Source, SourceMember } from './types.ts';

const identity = ({ url, ref, secretRef }: GitSourceSpec, namespace: string): string =>
  JSON.stringify(['git', url, ref, secretRef ? `${namespace}/${secretRef.name}` : null]);

/** A ref of a Git repository; a version is a commit. */
export const gitMember: SourceMember<GitSourceSpec> = {
  identity,
  secret: ({ secretRef }) => secretRef?.name,
  async connect(spec, { namespace, timeoutMs, tenant }, { credentials, git }): Promise<Source> {
    const { url, ref, secretRef } = spec;
    const secret = secretRef && (await credentials.read({ namespace, name: secretRef.name }));
    const source = {
      url,
      ref,
      timeoutMs,
      ...(secret && { credentials: secret }),
      ...(tenant !== undefined && { tenant }),
    };
    let tag: GitRef | undefined;
    return {
      identity: identity(spec, namespace),
      async resolve(options) {
        const { commit, revision, ref: found } = await git.resolve(source, options);
        tag = found;
        return { id: commit, revision };
      },
      open: (id, options) => git.open({ ...source, ref: tag ?? ref }, id, options),
    };
  },
};
