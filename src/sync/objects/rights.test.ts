import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { KubeError } from '../../kube/index.ts';
import { messageOf } from './rights.ts';

const refused = (message: string, status = 403): KubeError => new KubeError(message, { status, reason: 'Forbidden' });
const cannot = (user: string, what: string): string => `x is forbidden: User "${user}" cannot ${what}`;

describe('a missing right', () => {
  it('is named as the rule that gives it, for the account that lacks it', () => {
    const message = cannot(
      'system:serviceaccount:shop:deployer',
      'patch resource "roles" in API group "rbac.authorization.k8s.io" in the namespace "shop"',
    );
    assert.equal(
      messageOf(refused(message)),
      `${message}; add to a Role in shop of ServiceAccount shop/deployer: {apiGroups: ["rbac.authorization.k8s.io"], resources: [roles], verbs: [get, create, patch, delete]}`,
    );
  });
  it('at the cluster scope is one of a ClusterRole', () => {
    const message = cannot(
      'system:serviceaccount:shop:deployer',
      'get resource "nodes/status" in API group "" at the cluster scope',
    );
    assert.match(
      messageOf(refused(message)),
      /a ClusterRole of ServiceAccount shop\/deployer: \{apiGroups: \[""\], resources: \[nodes\], /,
    );
  });
  it('of the controller is given by an aggregated role, or by a ServiceAccount', () => {
    const message = cannot(
      'system:serviceaccount:metricops-system:metricops',
      'list resource "issuers" in API group "cert-manager.io" at the cluster scope',
    );
    assert.match(
      messageOf(refused(message)),
      /label metricops.dev\/aggregate-to-applier=true, or set spec.serviceAccountName: .*verbs: \[get, list, watch, /,
    );
  });
  for (const error of [
    refused('exceeded quota: none'),
    refused('user "x" is attempting to grant RBAC permissions not currently held'),
    refused(cannot('u', 'get resource "pods" in API group ""'), 409),
  ]) {
    it(`is not seen in: ${error.message}`, () => assert.equal(messageOf(error), error.message));
  }
});
