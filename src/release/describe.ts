import { annotations } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Release, ReleaseImage } from '../api/release-history.ts';
import { accountAndClaimsOf, type Running, templateOf } from '../snapshot/index.ts';
import { gitSyncOf, templateWriters } from '../ssa/template-writers.ts';
import type { Observed } from './history.ts';
import { irreversibleBecause } from './irreversible.ts';

/** What a status may hold of something that people write. */
const MAX_LABELS = 64;
const MAX_RULES = 64;
const MAX_IMAGES = 64;
const MAX_CLAIMS = 64;

interface Template {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: { containers?: { name: string; image?: string }[] };
}

/** The current release as the workload itself shows it; revision and imageIDs come from its pods. */
export const describeRelease = (
  workload: KubeObject,
  { digest, fromGit }: Pick<Running, 'digest' | 'fromGit'>,
  alertRules: readonly string[],
): Observed => {
  const template = (templateOf(workload) ?? {}) as Template;
  const notes = workload.metadata.annotations ?? {};
  const appliedBy = templateWriters(workload)[0]?.manager;
  const gitSyncRef = gitSyncOf(workload);
  const irreversible = irreversibleBecause(workload.metadata);
  const podLabels = Object.entries(template.metadata?.labels ?? {}).slice(0, MAX_LABELS);
  const fromSync: Partial<Release> = fromGit
    ? {
        ...(isCommit(notes[annotations.commit]) ? { commit: notes[annotations.commit] as string } : {}),
        ...(gitSyncRef ? { gitSyncRef } : {}),
        ...(notes[annotations.snapshot] ? { snapshotRef: { name: notes[annotations.snapshot] as string } } : {}),
      }
    : {};
  return {
    sourceDigest: digest,
    workloadUID: workload.metadata.uid ?? '',
    images: (template.spec?.containers ?? []).slice(0, MAX_IMAGES).map(imageOf),
    ...fromSync,
    ...(appliedBy === undefined ? {} : { appliedBy }),
    ...(irreversible === undefined ? {} : { irreversible }),
    ...(podLabels.length > 0 ? { labels: Object.fromEntries(podLabels) } : {}),
    ...accountAndClaims(workload),
    alertRules: alertRules.slice(0, MAX_RULES),
  };
};

const accountAndClaims = (workload: KubeObject): Partial<Release> => {
  const { persistentVolumeClaims: claims, ...account } = accountAndClaimsOf(workload);
  return { ...account, ...(claims ? { persistentVolumeClaims: claims.slice(0, MAX_CLAIMS) } : {}) };
};

const isCommit = (text: string | undefined): boolean => text !== undefined && /^[0-9a-f]{40,64}$/.test(text);

const imageOf = ({ name, image = '' }: { name: string; image?: string }): ReleaseImage => {
  const tag = tagOf(image);
  return { container: name, image, ...(tag === undefined ? {} : { tag }) };
};

/** `registry:5000/shop/web:v1@sha256:...` → `v1`; undefined where none is written. */
export const tagOf = (image: string): string | undefined => {
  const [name = ''] = image.split('@');
  const last = name.slice(name.lastIndexOf('/') + 1);
  const colon = last.indexOf(':');
  return colon === -1 ? undefined : last.slice(colon + 1);
};

/** With the revision of a pod, and what the kubelet says its containers run. */
export const withPod = (
  release: Observed,
  revision: string | undefined,
  imageIds: ReadonlyMap<string, string>,
): Observed => ({
  ...release,
  images: release.images.map((image) => {
    const imageID = imageIds.get(image.container);
    return imageID === undefined ? image : { ...image, imageID };
  }),
  ...(revision === undefined ? {} : { revision }),
});
