import type { GitSync } from '../api/gitsync.ts';
import { chartUrl } from '../api/helm-spec.ts';
import { describeKey, groupOf, type KubeObject, keyOf } from '../api/meta.ts';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import type { Reason } from '../api/reasons.ts';
import { parseRepositoryUrl } from '../api/repository-url.ts';
import { addressOf, type SourceSpec } from '../api/source.ts';

export interface Refusal {
  reason: Reason;
  message: string;
}

const isExempt = ({ metadata }: KubeObject, { exemptNamespaces }: PlatformPolicySpec): boolean =>
  exemptNamespaces.includes(metadata.namespace ?? '');

/** The GitSync as the platform completes it: its own words win over the platform's defaults. */
export const withPlatformDefaults = (sync: GitSync, policy: PlatformPolicySpec): GitSync =>
  policy.defaultServiceAccount === undefined || sync.spec.serviceAccountName !== undefined || isExempt(sync, policy)
    ? sync
    : { ...sync, spec: { ...sync.spec, serviceAccountName: policy.defaultServiceAccount } };

/** Why this GitSync can do nothing at all: its repository has no address, or the platform does not let it. */
export const refusalOfSync = (sync: GitSync, policy: PlatformPolicySpec): Refusal | undefined =>
  refusalOfAccount(sync, policy) ?? refusalOfHost(sync, sync.spec.source, policy) ?? refusalOfChart(sync, policy);

const refusalOfChart = (sync: GitSync, policy: PlatformPolicySpec): Refusal | undefined => {
  const chart = sync.spec.render?.helm?.chart;
  if (!chart) return undefined;
  const url = chartUrl(chart.repository);
  if (url) return refusalOfUrl(sync, url.href, policy);
  return { reason: 'InvalidUrl', message: 'spec.render.helm.chart.repository is no URL' };
};

/** Why this GitSync may write nothing, wherever it comes from: a rollback asks no repository. */
export const refusalOfAccount = (sync: GitSync, policy: PlatformPolicySpec): Refusal | undefined => {
  const locked = policy.requireServiceAccount && !isExempt(sync, policy);
  if (!locked || sync.spec.serviceAccountName !== undefined) return undefined;
  const message = 'the platform asks for spec.serviceAccountName: a ServiceAccount of this namespace to write as';
  return { reason: 'ServiceAccountRequired', message };
};

/** Why this GitSync, or GitSyncSet, can't read this repository: it has no address, or the platform does not let it. */
export const refusalOfHost = (
  reader: KubeObject,
  source: SourceSpec,
  policy: PlatformPolicySpec,
): Refusal | undefined => {
  const parsed = parseRepositoryUrl(addressOf(source));
  if (!parsed.ok) return { reason: parsed.reason, message: parsed.message };
  return refusalOfUrl(reader, parsed.url.href, policy);
};

/** Why this GitSync, or GitSyncSet, may not ask the host of this URL: for a repository, or what one leads to. */
export const refusalOfUrl = (reader: KubeObject, address: string, policy: PlatformPolicySpec): Refusal | undefined => {
  const { allowedHosts } = policy;
  if (isExempt(reader, policy) || allowedHosts.length === 0) return undefined;
  const { host, hostname } = URL.parse(address) ?? { host: address, hostname: address };
  if (allowedHosts.some((p) => matchesHost(p, host) || matchesHost(p, hostname))) return undefined;
  const message = `repositories on ${host} are not allowed; allowed are ${allowedHosts.join(', ')}`;
  return { reason: 'HostRefused', message };
};

/** Why the platform does not let this GitSync apply this object. */
export const refusalOfObject = (sync: GitSync, object: KubeObject, policy: PlatformPolicySpec): Refusal | undefined => {
  if (isExempt(sync, policy)) return undefined;
  const what = describeKey(keyOf(object));
  const own = sync.metadata.namespace ?? '';
  if (policy.restrictToNamespace && object.metadata.namespace !== own) {
    const where = object.metadata.namespace === undefined ? 'is cluster-wide' : `is in another namespace`;
    return { reason: 'NamespaceRefused', message: `${what} ${where}; GitSyncs of ${own} write to ${own} only` };
  }
  const kind = `${object.kind}.${groupOf(object.apiVersion)}`;
  const listed = (patterns: readonly string[]): boolean => patterns.some((pattern) => matchesKind(pattern, kind));
  if (listed(policy.deniedKinds) || (policy.allowedKinds.length > 0 && !listed(policy.allowedKinds))) {
    const name = kind.replace(/\.$/, '');
    return { reason: 'KindRefused', message: `${what}: the platform does not allow ${name} in ${own}` };
  }
  return undefined;
};

export const matchesHost = (pattern: string, host: string): boolean => {
  const wanted = pattern.toLowerCase();
  return wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) : host === wanted;
};

/** `Deployment.apps`; `ConfigMap` is of the core group; `*` stands for any kind, or any group. */
const matchesKind = (pattern: string, kind: string): boolean => {
  const split = (text: string): [string, string] => {
    const dot = text.indexOf('.');
    return dot < 0 ? [text, ''] : [text.slice(0, dot), text.slice(dot + 1)];
  };
  const [wantedKind, wantedGroup] = pattern === '*' ? ['*', '*'] : split(pattern);
  const [isKind, isGroup] = split(kind);
  return (wantedKind === '*' || wantedKind === isKind) && (wantedGroup === '*' || wantedGroup === isGroup);
};
