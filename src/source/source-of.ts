import type { GitSourceSpec, SourceSpec } from '../api/source.ts';
import type { GitSource } from '../git/index.ts';
import type { Credentials } from './credentials.ts';

/** What Git is asked with: the member of a source, whose it is, and the credentials that it names. Rejects with ReasonError. */
export const sourceOf = async (
  { git, namespace, timeoutMs }: { git: GitSourceSpec; namespace: string; timeoutMs: number },
  credentials: Credentials,
): Promise<GitSource> => {
  const { url, ref, secretRef } = git;
  const secret = secretRef && (await credentials.read({ namespace, name: secretRef.name }));
  return { url, ref, timeoutMs, ...(secret ? { credentials: secret } : {}) };
};

/** The one member that there is. Throws TypeError for a source that the schema would refuse. */
export const gitOf = ({ git }: SourceSpec): GitSourceSpec => {
  if (git === undefined) throw new TypeError('spec.source has no member');
  return git;
};
