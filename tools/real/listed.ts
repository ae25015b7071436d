/**
 * Reasons for which metricops refuses on purpose what kubectl, kustomize or Helm take, or waits where they don't.
 * docs/real-repositories.md says why; a test compares the two.
 */
export const LISTED: ReadonlySet<string> = new Set([
  'DuplicateObject',
  'HookRefused',
  'InvalidManifest',
  'LFSPointerRefused',
  'NotDecrypted',
  'SubmoduleRefused',
]);
