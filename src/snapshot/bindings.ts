import { groupOf, type KubeObject } from '../api/meta.ts';
import { recordOf } from '../ssa/field-set.ts';
import { templateOf } from './references.ts';

// RoleBindings and ClusterRoleBindings: what lets the pods of a workload do something, found by their ServiceAccount.

const RBAC = 'rbac.authorization.k8s.io';

export const isBinding = ({ apiVersion, kind }: KubeObject): boolean =>
  groupOf(apiVersion) === RBAC && (kind === 'RoleBinding' || kind === 'ClusterRoleBinding');

/** What a binding says of each of its subjects, as a text: `ServiceAccount shop/web`, `Group system:serviceaccounts`. */
export const subjectsOf = (subjects: unknown): string[] =>
  (Array.isArray(subjects) ? (subjects as unknown[]) : []).map((subject) => {
    const { kind, namespace, name } = recordOf(subject);
    return kind === 'ServiceAccount' ? `${kind} ${namespace}/${name}` : `${kind} ${name}`;
  });

/** The subjects under which the pods of a workload are bound: their account, and the groups that it is in. */
export const subjectsFor = (workload: KubeObject): string[] => {
  const { namespace, name } = accountOf(workload);
  return [
    `ServiceAccount ${namespace}/${name}`,
    `Group system:serviceaccounts:${namespace}`,
    'Group system:serviceaccounts',
  ];
};

/** The ServiceAccount of the pods; the one that every namespace has where they name none. */
export const accountOf = ({ metadata, ...workload }: KubeObject): { namespace: string; name: string } => {
  const { serviceAccountName } = recordOf(recordOf(templateOf({ metadata, ...workload })).spec);
  const name = typeof serviceAccountName === 'string' && serviceAccountName !== '' ? serviceAccountName : 'default';
  return { namespace: metadata.namespace ?? '', name };
};

/** A binding can't be given another role: the API server refuses it. */
export const hasSameRole = (a: KubeObject, b: KubeObject): boolean => {
  const [one, other] = [recordOf(a.roleRef), recordOf(b.roleRef)];
  return one.kind === other.kind && one.name === other.name;
};

/**
 * A recorded binding as it goes back: to the account of the workload's pods, beside those whom the newest version names.
 * Nobody else who lost these rights since gets them back.
 */
export const withAccountOf = (
  workload: KubeObject,
  recorded: KubeObject,
  newest: KubeObject | undefined,
): KubeObject => {
  const others = Array.isArray(newest?.subjects) ? (newest.subjects as unknown[]) : [];
  return { ...recorded, subjects: [...others, { kind: 'ServiceAccount', ...accountOf(workload) }] };
};
