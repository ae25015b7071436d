/** Whether an object of the kind can be there and not be healthy yet. */
export const hasHealth = ({ group, kind }: { group: string; kind: string }): boolean =>
  !AT_ONCE.has(`${group}/${kind}`);

/** Kinds that are there when they are stored: what more there is of them than metadata would only cost memory. */
export const AT_ONCE = new Set([
  '/ConfigMap',
  '/Secret',
  '/ServiceAccount',
  '/LimitRange',
  '/ResourceQuota',
  'rbac.authorization.k8s.io/Role',
  'rbac.authorization.k8s.io/RoleBinding',
  'rbac.authorization.k8s.io/ClusterRole',
  'rbac.authorization.k8s.io/ClusterRoleBinding',
  'networking.k8s.io/NetworkPolicy',
  'networking.k8s.io/Ingress',
  'scheduling.k8s.io/PriorityClass',
]);
