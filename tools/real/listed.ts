/**
 * Reasons for which metricops refuses on purpose what kubectl, kustomize or Helm take, or waits where they don't.
 * docs/real-repositories.md says why; a test compares the two.
 */
export const LISTED: ReadonlySet<string> = new Set([
  'DuplicateObject',
  'HookRefused',
  'InvalidManifest',
  'InvalidYAML',
  'LFSPointerRefused',
  'NotDecrypted',
  'SubmoduleRefused',
]);

/** kubectl refuses it, too, and applies the other files. */
const REFUSED_BY_BOTH: ReadonlySet<string> = new Set(['InvalidYAML']);

/** @param kubectlFailed it said that something is wrong with what it applied */
export const isListed = (reason: string, kubectlFailed: boolean): boolean =>
  LISTED.has(reason) && (kubectlFailed || !REFUSED_BY_BOTH.has(reason));
