/** The images of a release. */
export const IMAGES = [
  { target: 'metricops', name: 'metricops' },
  { target: 'sidecar', name: 'metricops-sidecar' },
] as const;

/** `--target` of the Containerfile. */
export type ImageTarget = (typeof IMAGES)[number]['target'];

/** Debian's programs in each, beside node: the Containerfile takes the same ones from its base. */
export const DEBIAN_PROGRAMS: Record<ImageTarget, readonly string[]> = {
  metricops: ['usr/bin/prlimit', 'usr/bin/ssh'],
  sidecar: ['usr/bin/prlimit'],
};
