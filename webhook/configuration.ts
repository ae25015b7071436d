import { annotations, GROUP, labels, SYSTEM_NAMESPACE } from '../src/api/annotations.ts';
import type { KubeObject } from '../src/api/meta.ts';
import { OPTED_IN } from '../src/api/optin.ts';

export const CONFIGURATION = 'metricops';
export const SERVICE = 'metricops';
/** As whom the controller creates Holds. */
const OWN_ACCOUNT = `system:serviceaccount:${SYSTEM_NAMESPACE}:metricops`;

/** Paths of the admission server. */
export const paths = {
  /** Pods whose annotation says true. */
  pods: '/mutate-pods',
  /**
   * Pods that say nothing, in namespaces with the label: matchConditions can't see those labels, so the path says it.
   */
  podsOfNamespace: '/mutate-pods/of-namespace',
  workloads: '/mutate-workloads',
  holds: '/mutate-holds',
} as const;

/** Where the API server finds us: our Service, or in tests a base URL. */
export type ClientConfig = { service: { namespace: string; name: string; port: number } } | { url: string };

const inject = (object: string): string => `${object}.metadata.?annotations[?'${annotations.inject}']`;

/**
 * The MutatingWebhookConfiguration, without caBundle: that one is written at run time, never rendered.
 * Pods that did not opt in cost no call.
 *
 * @param namespaceSelector further restricts all entries
 */
export const webhookConfiguration = (
  options: {
    name?: string;
    client?: ClientConfig;
    caBundle?: string;
    matchNamespaces?: { key: string; operator: string; values?: string[] }[];
  } = {},
): KubeObject => {
  const client = options.client ?? { service: { namespace: SYSTEM_NAMESPACE, name: SERVICE, port: 443 } };
  const namespaces = [
    { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', SYSTEM_NAMESPACE] },
    ...(options.matchNamespaces ?? []),
  ];
  const clientConfig = (path: string): object => ({
    ...('url' in client ? { url: `${client.url}${path}` } : { service: { ...client.service, path } }),
    ...(options.caBundle === undefined ? {} : { caBundle: options.caBundle }),
  });
  const entry = (
    name: string,
    path: string,
    rules: object[],
    conditions: Record<string, string>,
    match = namespaces,
  ): object => ({
    name: `${name}.metricops.dev`,
    admissionReviewVersions: ['v1'],
    clientConfig: clientConfig(path),
    failurePolicy: 'Ignore',
    matchConditions: Object.entries(conditions).map(([condition, expression]) => ({ name: condition, expression })),
    matchPolicy: 'Equivalent',
    namespaceSelector: { matchExpressions: match },
    objectSelector: {},
    reinvocationPolicy: 'IfNeeded',
    rules,
    sideEffects: 'None',
    timeoutSeconds: 2,
  });
  const said = `${inject('object')}.orValue('').trim().lowerAscii()`;
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: {
      name: options.name ?? CONFIGURATION,
      labels: { 'app.kubernetes.io/name': 'metricops', 'app.kubernetes.io/part-of': 'metricops' },
    },
    webhooks: [
      entry('workloads', paths.workloads, [workloads], {
        'opted-in': `${has('object')} || (oldObject != null && ${has('oldObject')})`,
      }),
      entry('pods', paths.pods, [pods], { 'opted-in': `${said} in ['true', 'enabled']` }),
      entry(
        'pods-of-namespace',
        paths.podsOfNamespace,
        [pods],
        { 'opted-in': `!(${said} in ['true', 'enabled', 'false', 'disabled'])` },
        [...namespaces, { key: labels.inject, operator: 'In', values: OPTED_IN }],
      ),
      // A rollback by metricops itself waits for no webhook.
      entry('holds', paths.holds, [holds], {
        unmarked: `!object.metadata.?annotations[?'${annotations.requestedBy}'].hasValue()`,
        'by-others': `request.userInfo.username != '${OWN_ACCOUNT}'`,
      }),
    ],
  };
};

const has = (object: string): string => `${inject(object)}.hasValue()`;

const pods = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'], scope: 'Namespaced' };
const holds = {
  apiGroups: [GROUP],
  apiVersions: ['*'],
  resources: ['holds'],
  operations: ['CREATE'],
  scope: 'Namespaced',
};
const workloads = {
  apiGroups: ['apps'],
  apiVersions: ['v1'],
  resources: ['deployments', 'statefulsets', 'daemonsets'],
  operations: ['CREATE', 'UPDATE'],
  scope: 'Namespaced',
};
