/** The images of a release, by `--target` of the Containerfile. */
export const TARGETS = ['metricops', 'sidecar'] as const;

export type ImageTarget = (typeof TARGETS)[number];

/** Their names in a registry. */
export const IMAGE_NAMES: Record<ImageTarget, string> = { metricops: 'metricops', sidecar: 'metricops-sidecar' };

/** Debian's programs in each, beside node: the Containerfile takes the same ones from its base. */
export const DEBIAN_PROGRAMS: Record<ImageTarget, readonly string[]> = {
  metricops: ['usr/bin/prlimit', 'usr/bin/ssh'],
  sidecar: ['usr/bin/prlimit'],
};
