import type { KubeObject } from '../api/meta.ts';
import { recordOf } from '../ssa/field-set.ts';
import { referencesOf, templateOf } from './references.ts';

/** An object of the workload's namespace without which its pods do not start. */
export interface Need {
  kind: 'ServiceAccount' | 'PersistentVolumeClaim' | 'ConfigMap' | 'Secret';
  name: string;
}

/**
 * What the pods of a workload need and its snapshot does not bring: all that they name and that is not optional, without
 * these ConfigMaps and Secrets. The ServiceAccount `default` is in every namespace, and a claim that a volumeClaimTemplate
 * makes comes with the pod. Without imagePullSecrets pods start where the image needs none.
 */
export const needsOf = (workload: KubeObject, config: readonly KubeObject[]): Need[] => {
  const { imagePullSecrets: _, ...spec } = recordOf(recordOf(templateOf(workload)).spec);
  const { serviceAccountName, persistentVolumeClaims } = accountAndClaimsOf(workload);
  const { configMaps, secrets } = referencesOf({ spec: withoutOptional(spec) });
  const named: Need[] = [
    ...(serviceAccountName === undefined ? [] : [{ kind: 'ServiceAccount', name: serviceAccountName } as const]),
    ...(persistentVolumeClaims ?? []).map((name) => ({ kind: 'PersistentVolumeClaim', name }) as const),
    ...[...configMaps].map((name) => ({ kind: 'ConfigMap', name }) as const),
    ...[...secrets].map((name) => ({ kind: 'Secret', name }) as const),
  ];
  return named.filter(({ kind, name }) => !config.some((part) => part.kind === kind && part.metadata.name === name));
};

/** As a ReleaseHistory records them: what is not pruned while a rollback may go to the release. */
export const accountAndClaimsOf = (
  workload: KubeObject,
): { serviceAccountName?: string; persistentVolumeClaims?: string[] } => {
  const spec = recordOf(recordOf(templateOf(workload)).spec);
  const account = spec.serviceAccountName;
  const volumes = Array.isArray(spec.volumes) ? (spec.volumes as unknown[]) : [];
  const claims = volumes
    .map((volume) => recordOf(recordOf(volume).persistentVolumeClaim).claimName)
    .filter((name) => typeof name === 'string' && name !== '');
  return {
    ...(typeof account === 'string' && account !== '' && account !== 'default' ? { serviceAccountName: account } : {}),
    ...(claims.length > 0 ? { persistentVolumeClaims: [...new Set(claims as string[])] } : {}),
  };
};

/** References may say `optional: true`, each in its own object. */
const withoutOptional = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutOptional);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value);
  if (members.some(([name, member]) => name === 'optional' && member === true)) return {};
  return Object.fromEntries(members.map(([name, member]) => [name, withoutOptional(member)]));
};
