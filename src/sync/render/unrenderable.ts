import { annotations } from '../../api/annotations.ts';
import type { GitSync } from '../../api/gitsync.ts';
import type { PlatformPolicySpec } from '../../api/platform-policy.ts';
import { ReasonError } from '../../api/reason-error.ts';
import type { Reason } from '../../api/reasons.ts';
import { hashOf } from '../../snapshot/index.ts';
import type { SyncState } from '../state/sync-state.ts';

/** The same files are refused again for these, whenever and however often they are rendered. */
const HOPELESS: ReadonlySet<Reason> = new Set([
  'ChartRefused',
  'DecryptionFailed',
  'DecryptionTampered',
  'DuplicateObject',
  'HookRefused',
  'InvalidManifest',
  'InvalidYAML',
  'LFSPointerRefused',
  'NotDecrypted',
  'PatchFailed',
  'RemoteBaseRefused',
  'SecretExposed',
  'SubmoduleRefused',
  'SubstitutionFailed',
]);

/** What a neighbour's load or another server may have caused, or a program that is put there later: retried, with back-off. */
const MAY_PASS: ReadonlySet<Reason> = new Set([
  'CloudLoginFailed',
  'HelmFailed',
  'HookFailed',
  'KeyServiceFailed',
  'KustomizeFailed',
  'ManifestTooLarge',
  'RendererMissing',
]);

export const isHopeless = (reason: Reason): boolean => HOPELESS.has(reason);

/** Whether the files of the commit are what is wrong: a person has to change something. */
export const isOfTheCommit = (reason: Reason): boolean => HOPELESS.has(reason) || MAY_PASS.has(reason);

/**
 * What a render is made from: commit, variables and values, the spec and the platform's policy. A person's request makes it
 * another one.
 */
const madeFrom = ({ spec, metadata }: GitSync, version: string, policy: PlatformPolicySpec): string =>
  hashOf([version, spec, policy, metadata.annotations?.[annotations.requestedAt]]);

/**
 * Runs `render` unless the same was refused before: then with that error, at no cost.
 * @param of.version see `versionOf`
 */
export const unlessUnrenderable = async <T>(
  sync: GitSync,
  state: SyncState,
  { version, policy }: { version: string; policy: PlatformPolicySpec },
  render: () => Promise<T>,
): Promise<T> => {
  const what = madeFrom(sync, version, policy);
  if (state.unrenderable?.what === what) throw state.unrenderable.error;
  try {
    return await render();
  } catch (error) {
    if (error instanceof ReasonError && isHopeless(error.code)) state.unrenderable = { what, error };
    throw error;
  }
};
