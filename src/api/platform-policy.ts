import { z } from 'zod';
import { duration, localName } from './common.ts';
import { freezes } from './freeze.ts';
import type { KubeObject, ObjectMeta } from './meta.ts';
import { keptEvidence, rollbackMode } from './rollback-policy.ts';

const kindName = z
  .string()
  .regex(/^(\*|[A-Z][A-Za-z0-9]*)(\.(\*|[a-z0-9.-]+))?$/)
  .max(253)
  .meta({ patternMessage: 'write KIND.GROUP as kubectl does, e.g. Deployment.apps, ConfigMap or *.networking.k8s.io' });

const serviceGraphSource = z.enum(['None', 'Traces', 'Istio', 'Linkerd']);
export type ServiceGraphSource = z.infer<typeof serviceGraphSource>;

const hosts = () => z.array(z.string().min(1).max(253)).max(64).default([]);

export const platformPolicySpec = z.strictObject({
  requireServiceAccount: z
    .boolean()
    .default(false)
    .describe('Lock-down: a GitSync without a ServiceAccount to write as is refused.'),
  defaultServiceAccount: localName
    .optional()
    .describe('ServiceAccount, of its own namespace, for a GitSync that names none.'),
  allowedHosts: hosts().describe(
    'Hosts that repositories, also of charts and with what they redirect to, may be on, e.g. git.example.com, *.example.com or git.example.com:8443. Empty: all.',
  ),
  allowedKinds: z.array(kindName).max(256).default([]).describe('Kinds that may be applied. Empty: all.'),
  deniedKinds: z
    .array(kindName)
    .max(256)
    .default([])
    .describe('Kinds that may not be applied, even if they are allowed.'),
  restrictToNamespace: z
    .boolean()
    .default(false)
    .describe('A GitSync writes to its own namespace only, and nothing that is cluster-wide.'),
  exemptNamespaces: z
    .array(z.string().min(1).max(63))
    .max(64)
    .default([])
    .describe("Namespaces of the platform's own GitSyncs, for which none of the rules above holds."),
  notifications: z
    .strictObject({
      allowedHosts: hosts().describe(
        'Hosts that Notifications may send to, e.g. hooks.slack.com, *.example.com or gitea.git.svc:3000, whatever their addresses. Empty: all that have no internal address (loopback, link-local, private).',
      ),
    })
    .default({ allowedHosts: [] })
    .describe('Limits of all Notifications. Those in the namespace of the controller have none.'),
  decryption: z
    .strictObject({
      allowedHosts: hosts().describe(
        'Hosts of Vault that spec.decryption of GitSyncs may name, e.g. vault.vault.svc:8200 or *.example.com, whatever their addresses. Empty: all that have no internal address (loopback, link-local, private).',
      ),
    })
    .default({ allowedHosts: [] })
    .describe('Limits of what GitSyncs decrypt with. Those in the namespace of the controller have none.'),
  clouds: z
    .strictObject({
      allowedHosts: hosts().describe(
        'Hosts of clouds that are asked for credentials and keys, e.g. *.amazonaws.com or *.vault.azure.net, whatever their addresses. Empty: all that have no internal address (loopback, link-local, private).',
      ),
      endpoints: z
        .array(
          z.strictObject({
            host: z.string().min(1).max(253).describe('Host of the cloud, e.g. sts.eu-central-1.amazonaws.com.'),
            address: z
              .string()
              .regex(/^https?:\/\/[^\s@/?#]+\/?$/)
              .max(512)
              .meta({
                patternMessage: 'address is https:// or http://, a host and a port: https://kms.internal.example.com',
              })
              .describe('What is asked in its place. It may be internal.'),
          }),
        )
        .max(32)
        .default([])
        .describe('Addresses to ask in the place of hosts of clouds: private endpoints with names of their own.'),
    })
    .default({ allowedHosts: [], endpoints: [] })
    .describe(
      "Limits of what is asked of clouds with tokens of GitSyncs' ServiceAccounts: credentials of repositories, and data keys. GitSyncs in the namespace of the controller may ask any host of a cloud.",
    ),
  evidence: keptEvidence
    .optional()
    .describe('What is kept at most of a release that is rolled back, whatever a RollbackPolicy says.'),
  rollback: z
    .strictObject({
      maxMode: rollbackMode
        .default('Auto')
        .describe(
          'What a burn may do at most, whatever a RollbackPolicy or an annotation says: Auto > Approve > DryRun > Off.',
        ),
      freeze: freezes.describe(
        'Change freezes of all workloads, beside those of their RollbackPolicies: in them mode Auto asks a person, as Approve does.',
      ),
      minCooldown: duration.default('0s').describe('Cooldown of every workload, at least.'),
      maxPerHour: z.int().min(1).max(60).default(60).describe('Rollbacks of one workload in any hour, at most.'),
      maxPerHourInNamespace: z
        .int()
        .min(1)
        .max(10_000)
        .default(10)
        .describe('Rollbacks of all workloads of one namespace in any hour, at most: beyond it a person decides.'),
      maxPerHourInCluster: z
        .int()
        .min(1)
        .max(10_000)
        .default(30)
        .describe('Rollbacks of all workloads of the cluster in any hour, at most: beyond it a person decides.'),
      alertDelay: duration
        .default('6m')
        .describe(
          'How long an alert may fire on after its burn ended: evaluation_interval of Prometheus (1m by default) + group_interval of Alertmanager (5m). With the short window of the alert it is the cooldown of a workload, at least.',
        ),
      dependenciesAcrossNamespaces: z
        .boolean()
        .default(false)
        .describe(
          'The annotation metricops.dev/depends-on may name workloads of other namespaces. Whoever annotates a workload can then see in its incidents whether the named ones burn.',
        ),
      serviceGraph: serviceGraphSource
        .default('None')
        .describe(
          'Metrics that say what a workload without the annotation metricops.dev/depends-on calls. Traces: traces_service_graph_request_total of Tempo or OpenTelemetry, where service names are names of workloads and unique in the cluster, or have the dimension k8s.namespace.name. Istio: istio_requests_total. Linkerd: response_total.',
        ),
      alertsWithoutNamespace: z
        .boolean()
        .default(false)
        .describe(
          'Alerts without a namespace label reach the workloads of every namespace whose RollbackPolicy or annotation names their other labels. Only for clusters in which everybody who writes alerting rules may roll back every workload.',
        ),
      trustedRuleNamespaces: z
        .array(z.string().min(1).max(63))
        .max(64)
        .default([])
        .describe(
          'Namespaces whose alerting rules are evidence against workloads of other namespaces too, where these have no indicator of their own. A rule from elsewhere makes a person be asked.',
        ),
    })
    .describe('Limits of all rollbacks.')
    .default({
      maxMode: 'Auto',
      freeze: [],
      minCooldown: '0s',
      maxPerHour: 60,
      maxPerHourInNamespace: 10,
      maxPerHourInCluster: 30,
      alertDelay: '6m',
      dependenciesAcrossNamespaces: false,
      serviceGraph: 'None',
      alertsWithoutNamespace: false,
      trustedRuleNamespaces: [],
    }),
});
export type PlatformPolicySpec = z.infer<typeof platformPolicySpec>;

/** Nothing refused, and the default limits: what holds where no policy was made. */
export const unrestrictedPolicy: PlatformPolicySpec = platformPolicySpec.parse({});

/** The one that counts. */
export const PLATFORM_POLICY_NAME = 'default';

export interface PlatformPolicy extends KubeObject {
  metadata: ObjectMeta;
  spec: PlatformPolicySpec;
}
