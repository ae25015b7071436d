import { API_VERSION } from '../../src/api/annotations.ts';
import { kinds } from '../../src/api/crd.ts';
import { gitSyncSpec } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { type Guardrails, rollbackPolicySpec } from '../../src/api/rollback-policy.ts';
import { digestsOf, liveDigest, templateOf } from '../../src/snapshot/index.ts';
import { ALERT, DIGEST_KEY, NAMESPACE, SYNC } from './shipped.ts';
import type { Commit, Image } from './state.ts';

export const WORKLOAD = { namespace: NAMESPACE, name: 'web' };
export const OTHER = { namespace: NAMESPACE, name: 'other' };
export const IMAGES: readonly Image[] = ['old', 'bad', 'worse', 'fix'];
/** Of which the workload burns its budget. */
export const burns = (image: string): boolean => image === 'bad' || image === 'worse';

export const template = (image: Image): object => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: `registry.example.com/web:${image}` }] },
});

export const web = (image: Image): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { ...WORKLOAD, annotations: { 'metricops.dev/inject': 'true' } },
  spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: template(image) },
});

const made = new Map<string, readonly KubeObject[]>();

/** What a commit renders to: the same objects for the same commit, as a render that is kept. */
export const objectsOf = (commit: Commit): readonly KubeObject[] => {
  const { image, other } = commit;
  const key = `${image} ${other}`;
  const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...OTHER }, data: { version: String(other) } };
  const objects = made.get(key) ?? [web(image), config];
  made.set(key, objects);
  return objects;
};

/** Each commit has one, also when it says what an older one said. */
export const idOf = (index: number): string => String(index).padStart(40, 'c');

export const imageIn = (object: KubeObject | undefined): string => {
  const { spec } = (templateOf(object ?? web('old')) ?? {}) as { spec?: { containers: { image: string }[] } };
  return object ? (spec?.containers[0]?.image.split(':').at(-1) ?? '') : '';
};

const digests = (isOfGit: boolean): ReadonlyMap<string, Image> =>
  new Map(
    IMAGES.map((image) => {
      const object = web(image);
      const digest = isOfGit ? digestsOf(object, [object], DIGEST_KEY).sourceDigest : liveDigest(templateOf(object));
      return [digest, image];
    }),
  );
const [ofGit, ofCi] = [digests(true), digests(false)];

/** The image of each sourceDigest. */
export const digestsBy = (isOfGit: boolean): ReadonlyMap<string, Image> => (isOfGit ? ofGit : ofCi);

export const gitSync: object = {
  apiVersion: API_VERSION,
  kind: 'GitSync',
  metadata: SYNC,
  spec: gitSyncSpec.parse({ source: { git: { url: 'https://git.example.com/shop.git' } } }),
};

export const policy = (guardrails: Partial<Guardrails>): object => ({
  apiVersion: API_VERSION,
  kind: 'RollbackPolicy',
  metadata: { namespace: NAMESPACE, name: 'web' },
  spec: rollbackPolicySpec.parse({
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    objectives: [{ name: 'availability', alerts: { matchLabels: { alertname: ALERT } } }],
    ...guardrails,
  }),
});

/** So that the finalizer of a Hold sees that its kind is there. */
export const definitions: readonly object[] = kinds.map(({ kind, plural, scope = 'Namespaced' }) => ({
  metadata: { name: `${plural}.metricops.dev` },
  spec: { group: 'metricops.dev', scope, names: { kind, plural }, versions: [] },
}));
