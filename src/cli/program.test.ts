import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { history, hold, policy, release } from '../../test/support/objects.ts';
import { API_VERSION } from '../api/annotations.ts';
import { gitSyncSpec } from '../api/gitsync.ts';
import { resources } from '../kube/index.ts';
import { run } from './program.ts';

const AT = '2026-01-01T00:00:00Z';

describe('the command line', () => {
  const setUp = () => {
    const server = createApiServer({ namespaces: ['shop'] });
    const metricops = async (...argv: string[]) => {
      const [out, err]: string[][] = [[], []];
      const code = await run(argv, {
        out: (text) => void out?.push(text),
        err: (text) => void err?.push(text),
        connect: async () => ({ client: server.client, namespace: 'shop', server: 'https://here' }),
        now: () => Date.parse(AT),
        sleep: async () => {},
        manifests: '.',
        name: 'metricops',
        version: 'test',
      });
      return { code, out: out?.join('\n') ?? '', err: err?.join('\n') ?? '' };
    };
    return { server, metricops };
  };
  const condition = (type: string, message: string, status = 'True') => ({
    type,
    status,
    reason: 'Because',
    message,
    lastTransitionTime: AT,
  });
  const evidence = {
    alert: 'Burn',
    fingerprint: 'f',
    source: 'Alertmanager',
    status: 'firing',
    startsAt: AT,
    receivedTime: AT,
    labels: { note: 'red \u001b[31m and \u202eback' },
  };
  const incidentWith = (spec: object, status: object) => ({
    apiVersion: API_VERSION,
    kind: 'Incident',
    metadata: { namespace: 'shop', name: 'web-1', creationTimestamp: AT },
    spec: { workloadRef: { kind: 'Deployment', name: 'web' }, evidence: [evidence], ...spec },
    status: { phase: 'Judging', ...status },
  });
  const syncWith = (status: object) => ({
    metadata: { namespace: 'shop', name: 'app' },
    spec: { ...gitSyncSpec.parse({ source: { git: { url: 'https://git.example.com/shop.git' } } }) },
    status,
  });

  it('says of an incident that it can not go on, and that more alerts were sent than are listed', async () => {
    const { server, metricops } = setUp();
    const stalled = { conditions: [condition('Stalled', 'The log has it with id 1234.')] };
    server.seed(resources.incidents, incidentWith({ truncated: true }, stalled));
    const { out } = await metricops('explain', 'web-1');
    assert.match(out, /^Stalled +The log has it with id 1234\.$/m);
    assert.match(out, /^Evidence \(1 alert listed; more were sent\)$/m);
    server.seed(resources.incidents, incidentWith({}, { conditions: [] }));
    const calm = await metricops('explain', 'web-1');
    assert.doesNotMatch(calm.out, /Stalled|more were sent/);
  });

  it('shows what left Git and waits to be deleted', async () => {
    const { server, metricops } = setUp();
    const id = 'shop_data__PersistentVolumeClaim';
    const words = 'left Git and not deleted: PersistentVolumeClaim shop/data (it holds data)';
    server.seed(
      resources.gitSyncs,
      syncWith({
        conditions: [condition('Ready', 'applied main@1'), condition('PrunePending', words)],
        prunePending: [{ id, reason: 'ConfirmationRequired', message: 'it holds data' }],
      }),
    );
    assert.match(
      (await metricops('sync', 'app')).out,
      new RegExp(`^To delete +${words.replaceAll(/[()]/g, '\\$&')}$`, 'm'),
    );
    const [heads = '', row = ''] = (await metricops('status')).out
      .split('\n')
      .filter((line) => /NAMESPACE +GITSYNC |^ +shop +app /.test(line));
    assert.equal(row.slice(heads.indexOf('TO DELETE')).split(' ')[0], '1');
    server.seed(
      resources.gitSyncs,
      syncWith({ conditions: [condition('Ready', 'x'), condition('PrunePending', 'nothing', 'False')] }),
    );
    assert.doesNotMatch((await metricops('sync', 'app')).out, /To delete/);
  });

  it('shows first what needs a person, with the command that goes on from there', async () => {
    const { server, metricops } = setUp();
    const calm = (await metricops('status')).out;
    assert.match(calm, /^Needs a person: nothing\n\nController: /);
    assert.match(calm, /^RollbackPolicies: none in namespace shop .*: mode DryRun, unless the annotation/m);
    server.seed(
      resources.incidents,
      incidentWith({}, { reason: 'AwaitingApproval', message: 'v2 fails', conditions: [condition('NeedsPerson', '')] }),
    );
    const stalled = condition('Stalled', 'a.yaml: bad indentation');
    server.seed(resources.gitSyncs, syncWith({ conditions: [stalled] }));
    const { out } = await metricops('status');
    assert.match(
      out,
      /^Needs a person\n {2}Incident shop\/web-1 of deployment\/web: AwaitingApproval: v2 fails\n {4}→ metricops approve web-1 -n shop, or metricops deny web-1 -n shop\n {2}GitSync shop\/app: Because: a.yaml: bad indentation\n {4}→ metricops sync app -n shop\n/,
    );
    const scripts = JSON.parse((await metricops('status', '-o', 'json')).out) as { needsPerson: { next?: string }[] };
    assert.deepEqual(
      scripts.needsPerson.map(({ next }) => next),
      ['ApproveOrDeny', undefined],
    );
  });

  it('shows each RollbackPolicy with what it guards, its mode, and whether a burn would lead to that', async () => {
    const { server, metricops } = setUp();
    const ready = {
      ...condition('Ready', 'a burn of Deployment web leads to a rollback'),
      reason: 'InForce',
      status: 'True',
    } as const;
    server.seed(resources.rollbackPolicies, policy('web', { targetRef: { name: 'web' }, mode: 'Auto' }, [ready]));
    server.seed(resources.rollbackPolicies, policy('front', { selector: { matchLabels: { tier: 'front' } } }));
    server.seed(resources.rollbackPolicies, policy('rest', { selector: {} }));
    const { out } = await metricops('status');
    assert.match(
      out,
      /shop +web +deployment\/web +Auto +True +InForce +a burn of Deployment web leads to a rollback$/m,
    );
    assert.match(out, /shop +front +tier=front +DryRun +- +- +-$/m);
    assert.match(out, /shop +rest +all workloads +DryRun/);
  });

  it('shows below the releases of a workload what guards it, its holds and its open incidents', async () => {
    const { server, metricops } = setUp();
    server.seed(resources.releaseHistories, history({ currentRelease: 1, releases: [release(1)] }));
    const { out: alone } = await metricops('history', 'web');
    assert.match(alone, /\nGuarded by +no RollbackPolicy: mode DryRun.*\nHolds +none\nOpen incidents +none$/);
    const ready = {
      ...condition('Ready', 'a burn of Deployment web leads to a rollback'),
      reason: 'InForce',
      status: 'True',
    } as const;
    server.seed(resources.rollbackPolicies, policy('own', { targetRef: { name: 'web' } }, [ready]));
    server.seed(resources.holds, hold('web-h', { phase: 'Held' }));
    server.seed(
      resources.incidents,
      incidentWith({}, { message: 'v2 fails', conditions: [condition('NeedsPerson', '')] }),
    );
    const { out } = await metricops('history', 'web');
    assert.match(out, /^Guarded by +own, Ready True \(InForce\): a burn of Deployment web leads to a rollback$/m);
    assert.match(out, /^Holds +web-h: Rollback to release 2, Held, asked by eve$/m);
    assert.match(out, /^Open incidents +web-1: Judging, needs a person, v2 fails$/m);
  });

  it('shows control characters of others as what they are, and gives scripts what is there', async () => {
    const { server, metricops } = setUp();
    server.seed(resources.incidents, incidentWith({}, {}));
    const { out } = await metricops('explain', 'web-1');
    assert.match(out, /note=red \\u001b\[31m and \\u202eback/);
    const script = JSON.parse((await metricops('explain', 'web-1', '-o', 'json')).out) as typeof shown;
    const shown = incidentWith({}, {});
    assert.equal(script.spec.evidence[0]?.labels.note, evidence.labels.note);
    const { err } = await metricops('explain', 'a\u001bb\u009bc\r');
    assert.match(err, /a\\u001bb\\u009bc\\u000d/);
  });
});
