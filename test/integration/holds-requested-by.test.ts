import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { annotations } from '../../src/api/annotations.ts';
import { type Hold, requestedBy } from '../../src/api/hold.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { newAcceptance } from '../../src/holds/index.ts';
import { type KubeClient, resources } from '../../src/kube/index.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { runWebhook } from '../support/webhook.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const objectsIn = (file: string): KubeObject[] => loadAll(readFileSync(join(DEPLOY, file), 'utf8')) as KubeObject[];
const OWN = 'system:serviceaccount:metricops-system:metricops';
const policies = objectsIn('requested-by.yaml');

describe('who asked for a Hold', () => {
  const plane = useControlPlane();
  let ns = '';
  let count = 0;
  const as = (userName: string): KubeClient =>
    plane().client.impersonate({ userName, groups: ['system:authenticated'] });
  /** A Hold of its own name, with this mark. */
  const hold = (mark?: string): Hold => {
    count += 1;
    const workload = { kind: 'Deployment', namespace: ns, name: `web-${count}` } as const;
    return newAcceptance({ workload, digest: `v1:${'a'.repeat(64)}`, message: '', requestedBy: mark });
  };
  const create = (user: string, mark?: string): Promise<Hold> => as(user).create<Hold>(resources.holds, hold(mark));
  const annotate = (user: string, { metadata }: Hold, value: string | null): Promise<KubeObject> => {
    const body = { metadata: { annotations: { [annotations.requestedBy]: value } } };
    return as(user).patch(resources.holds, metadata, { type: 'merge', body });
  };
  const kubectl = (objects: readonly KubeObject[]): string =>
    plane().kubectl(['apply', '-f', '-'], objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  const bind = (user: string, role: string): KubeObject => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: `${user.split(':').at(-1)}-${role}`, namespace: ns },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  });

  before(async function () {
    this.timeout(60_000);
    ns = await plane().namespace('asked');
    const restore = { apiGroups: ['metricops.dev'], resources: ['holds'], verbs: ['restore'] };
    const kind = 'ClusterRole';
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind,
      metadata: { name: `${ns}-restore` },
      rules: [restore],
    };
    const users = ['alice', 'bob', 'backup', OWN];
    const rights = [
      ...users.map((user) => bind(user, 'metricops-release-manager')),
      bind('backup', role.metadata.name),
    ];
    kubectl([...objectsIn('rbac/users.yaml'), role, ...rights, ...policies]);
    await eventually(
      () =>
        create('bob', 'alice').then(
          () => false,
          (error: Error) => /requested-by/.test(error.message),
        ),
      {
        what: 'the admission policy',
      },
    );
  });
  after(
    () => void plane().kubectl(['delete', '-f', '-'], policies.map((object) => JSON.stringify(object)).join('\n---\n')),
  );

  it('is refused where it names somebody else, with both names and what to do', async () => {
    const message =
      /requested-by says alice, but the request comes from bob: write that name, or leave the annotation out/;
    await assert.rejects(create('bob', 'alice'), message);
  });

  it('is taken where it names the requester', async () => {
    assert.equal(requestedBy(await create('alice', 'alice')), 'alice');
  });

  it('is never changed, added or removed later, by nobody', async () => {
    const marked = await create('alice', 'alice');
    const unmarked = await create('alice');
    for (const [user, object, value] of [
      ['bob', marked, 'bob'],
      ['alice', marked, null],
      ['alice', unmarked, 'alice'],
    ] as const)
      await assert.rejects(annotate(user, object, value), /it can't be changed, added or removed later/);
  });

  it('stands in the way of no other change', async () => {
    const marked = await create('alice', 'alice');
    const body = { spec: { message: 'later' }, metadata: { labels: { team: 'shop' } } };
    const changed = await as('bob').patch<Hold>(resources.holds, marked.metadata, { type: 'merge', body });
    assert.deepEqual([changed.spec.message, requestedBy(changed)], ['later', 'alice']);
  });

  it('is brought back by those who may restore', async () => {
    assert.equal(requestedBy(await create('backup', 'alice')), 'alice');
  });

  it('is unknown where the requester says nothing and the webhook is down', async () => {
    assert.equal(requestedBy(await create('alice')), 'unknown');
  });

  it('is filled in by the webhook, and what the requester says is left alone', async function () {
    this.timeout(60_000);
    const webhook = await runWebhook(plane(), [ns]);
    try {
      const filledIn = async (): Promise<boolean> => requestedBy(await create('alice')) === 'alice';
      await eventually(filledIn, { what: 'the webhook to be asked' });
      assert.equal(requestedBy(await create('bob', 'bob')), 'bob');
      await assert.rejects(create('bob', 'alice'), /the request comes from bob/);
      assert.equal(requestedBy(await create(OWN)), 'unknown', 'a rollback by metricops waits for no webhook');
    } finally {
      await webhook.remove();
    }
  });
});
