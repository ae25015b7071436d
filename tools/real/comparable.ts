import { annotations, GROUP, labels } from '../../src/api/annotations.ts';
import type { KubeObject } from '../../src/api/meta.ts';

type Json = Record<string, unknown>;

/**
 * What two API servers must agree on: not what each of them, or its controllers, makes at random, and not what metricops
 * notes on the objects that it applies.
 */
export const comparable = (object: KubeObject): Json => {
  const { metadata, status: _, ...rest } = structuredClone(object);
  const result: Json = { ...rest, metadata: metadataOf(metadata) };
  OF_THE_SERVER[object.kind]?.(result);
  const pod = object.kind === 'Pod' ? result.spec : undefined;
  if (isMap(pod)) withoutTokenVolume(pod);
  return result;
};

const OURS: readonly string[] = [...Object.values<string>(annotations), ...Object.values<string>(labels)];
const OF_CONTROLLERS = [
  'deployment.kubernetes.io/revision',
  'kubernetes.io/service-account.uid',
  'batch.kubernetes.io/controller-uid',
  'controller-uid',
  'batch.kubernetes.io/job-name',
  'job-name',
];

const metadataOf = ({
  name,
  namespace,
  labels,
  annotations,
  finalizers,
  ownerReferences,
}: KubeObject['metadata']): Json => ({
  name,
  namespace,
  labels: without(labels),
  annotations: without(annotations),
  finalizers: (finalizers ?? []).filter((name) => !name.startsWith(`${GROUP}/`)).toSorted(),
  // Of a Pod that two controllers may adopt, the first one does.
  ownerReferences: ownerReferences?.filter(({ controller }) => controller !== true),
});

const without = (map: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(map).filter(([name]) => ![...OURS, ...OF_CONTROLLERS].includes(name)));

const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Of the kinds where it is more than metadata and status. */
const OF_THE_SERVER: Readonly<Record<string, (object: Json) => void>> = {
  Service({ spec }) {
    if (!isMap(spec)) return;
    for (const field of ['clusterIP', 'clusterIPs', 'healthCheckNodePort'])
      if (spec[field] !== 'None' && String(spec[field]) !== 'None') delete spec[field];
    for (const port of Array.isArray(spec.ports) ? spec.ports : []) if (isMap(port)) delete port.nodePort;
  },
  Job({ spec }) {
    if (!isMap(spec)) return;
    delete spec.selector;
    const template = isMap(spec.template) ? spec.template : {};
    if (isMap(template.metadata))
      template.metadata.labels = without(template.metadata.labels as Record<string, string>);
  },
  PersistentVolume({ spec }) {
    const claim = isMap(spec) && isMap(spec.claimRef) ? spec.claimRef : {};
    delete claim.uid;
    delete claim.resourceVersion;
  },
  PersistentVolumeClaim({ spec }) {
    if (isMap(spec)) delete spec.volumeName;
  },
  Secret(secret) {
    if (secret.type === 'kubernetes.io/service-account-token') delete secret.data;
  },
  ServiceAccount(account) {
    delete account.secrets;
  },
};

/** Its name is random. */
const withoutTokenVolume = (spec: Json): void => {
  const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isMap) : []);
  const isToken = ({ name }: Json): boolean => String(name).startsWith('kube-api-access-');
  if (spec.volumes) spec.volumes = listOf(spec.volumes).filter((volume) => !isToken(volume));
  for (const container of [...listOf(spec.initContainers), ...listOf(spec.containers)])
    if (container.volumeMounts) container.volumeMounts = listOf(container.volumeMounts).filter((m) => !isToken(m));
};
