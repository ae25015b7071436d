import { annotations, RECORD_AUDIENCE } from '../src/api/annotations.ts';
import { RECORDER } from '../src/api/injection.ts';
import type { KubeObject } from '../src/api/meta.ts';
import { append, type PatchOperation, setMembers } from './json-patch.ts';
import { freePort, type Merge, mergedAnnotations, mergeOf } from './merge.ts';
import { type AdmittedPod, type Container, type Resources, recorderOf } from './pod.ts';
import { quantity } from './quantity.ts';
import { type NamespaceBounds, recorderResources } from './resources.ts';

export interface InjectionSettings {
  /** Image of the recorder. */
  image: string;
  /** Where the recorder reports. */
  recordUrl: string;
  /** PEM bundle that the record endpoint's certificate is issued by: trusted until the ConfigMap is there. */
  ca: string;
  /** Of the pod's namespace. */
  bounds: NamespaceBounds;
  networkPolicies: readonly KubeObject[];
}

/** Name of the ConfigMap with the CA bundle, in every namespace with injected pods. */
export const CA_CONFIG_MAP = 'metricops-ca';
const VOLUME = 'metricops-recorder';
const MOUNT = '/var/run/metricops.dev';

/**
 * What makes a recorded pod of this one. Pure, and applied once: a pod that has the recorder is only repaired.
 * The recorder is a native sidecar without readiness or startup probe, which would gate the pod. It comes last: it
 * waits for no other container, none waits for it, and the pod's effective requests grow least.
 */
export const injectionPatch = (pod: AdmittedPod, settings: InjectionSettings): PatchOperation[] => {
  const ours = recorderOf(pod, settings.image);
  if (ours !== undefined) {
    const index = pod.spec?.initContainers?.indexOf(ours);
    return [{ op: 'add', path: `/spec/initContainers/${index}/restartPolicy`, value: 'Always' }];
  }
  const port = freePort(pod);
  const resources = recorderResources(pod, settings.bounds);
  const merge = isSlow(resources) ? undefined : mergeOf(pod, port, settings.networkPolicies);
  const notes = { ...(merge ? mergedAnnotations(port) : {}), [annotations.injection]: 'injected' };
  return [
    ...setMembers('/metadata/annotations', pod.metadata?.annotations, notes),
    ...(pod.spec?.volumes?.some(({ name }) => name === VOLUME)
      ? []
      : [append('/spec/volumes', pod.spec?.volumes, volume)]),
    append('/spec/initContainers', pod.spec?.initContainers, recorder(settings, resources, port, merge)),
  ];
};

/** The recorder as far as the namespace's bounds go, before anything is changed. */
export const boundedRecorder = (pod: AdmittedPod, bounds: NamespaceBounds): Container => ({
  name: RECORDER,
  restartPolicy: 'Always',
  resources: recorderResources(pod, bounds),
});

/** With so little CPU a scrape of both takes longer than Prometheus waits: the target stays the application. */
const isSlow = ({ limits }: Resources): boolean => limits?.cpu !== undefined && quantity(limits.cpu) < 0.05;

const recorder = (
  { image, recordUrl, ca }: InjectionSettings,
  resources: Resources,
  port: number,
  merge: Merge | undefined,
): Container => ({
  name: RECORDER,
  image,
  imagePullPolicy: 'IfNotPresent',
  restartPolicy: 'Always',
  env: [
    { name: 'METRICOPS_RECORD_URL', value: recordUrl },
    { name: 'METRICOPS_CA', value: ca },
    { name: 'METRICOPS_PORT', value: String(port) },
    ...(merge ? mergeEnv(merge) : []),
  ],
  resources,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 65532,
    runAsGroup: 65532,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  },
  volumeMounts: [{ name: VOLUME, mountPath: MOUNT, readOnly: true }],
});

/** The pod's address, not loopback: that is where Prometheus found the application. */
const mergeEnv = ({ port, path }: Merge): unknown[] => [
  { name: 'METRICOPS_APP_HOST', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
  { name: 'METRICOPS_APP_PORT', value: String(port) },
  { name: 'METRICOPS_APP_PATH', value: path },
];

const volume = {
  name: VOLUME,
  projected: {
    sources: [
      { serviceAccountToken: { audience: RECORD_AUDIENCE, expirationSeconds: 3600, path: 'token' } },
      { configMap: { name: CA_CONFIG_MAP, optional: true, items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    ],
  },
};
