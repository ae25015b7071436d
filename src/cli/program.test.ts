import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { history, hold, policy, release } from '../../test/support/objects.ts';
import { API_VERSION } from '../api/annotations.ts';
import { gitSyncSpec } from '../api/gitsync.ts';
import { KubeError, resources } from '../kube/index.ts';
import { manifestsOf } from './manifests.ts';
import { run } from './program.ts';

const AT = '2026-01-01T00:00:00Z';

describe('the command line', () => {
  const setUp = () => {
    const server = createApiServer({ namespaces: ['shop'] });
    const asked: string[] = [];
    const terminal: { answer?: string; input?: string } = {};
    const metricops = async (...argv: string[]) => {
      const [out, err]: string[][] = [[], []];
      const code = await run(argv, {
        out: (text) => void out?.push(text),
        err: (text) => void err?.push(text),
        input: async () => terminal.input ?? '',
        connect: async () => ({ client: server.client, namespace: 'shop', server: 'https://here' }),
        ...(terminal.answer === undefined
          ? {}
          : {
              ask: async (question: string) => {
                asked.push(question);
                return terminal.answer ?? '';
              },
            }),
        now: () => Date.parse(AT),
        sleep: async () => {},
        manifests: () => manifestsOf('.'),
        name: 'metricops',
        version: 'test',
      });
      return { code, out: out?.join('\n') ?? '', err: err?.join('\n') ?? '' };
    };
    return { server, metricops, asked, terminal };
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

  it('shows where the logs of an incident are, and prints them without control characters', async () => {
    const { server, metricops } = setUp();
    server.seed(resources.incidents, incidentWith({}, {}));
    const none = await metricops('explain', 'web-1', '--logs');
    assert.equal(none.code, 1);
    assert.match(none.err, /^error: No logs were read for incident web-1\.\n {2}→ .*spec\.evidence\.logs/);
    const message = 'last log lines of 1 of 1 pod of release 2';
    const logs = { time: AT, message, secretRef: { name: 'metricops-logs-web-1' } };
    server.seed(resources.incidents, incidentWith({}, { logs }));
    assert.match(
      (await metricops('explain', 'web-1')).out,
      /^Logs +last log lines of 1 of 1 pod of release 2\n +metricops explain web-1 -n shop --logs$/m,
    );
    assert.match((await metricops('explain', 'web-1', '--logs')).err, /Secret metricops-logs-web-1 .*is gone/);
    server.seed(resources.secrets, {
      metadata: { namespace: 'shop', name: 'metricops-logs-web-1' },
      data: { log: Buffer.from('\u001b[31mno such table\n').toString('base64') },
    });
    const { out, code } = await metricops('explain', 'web-1', '--logs');
    assert.deepEqual([out, code], ['\\u001b[31mno such table', 0]);
    server.seed(resources.incidents, incidentWith({}, { logs: { time: AT, message: 'no pod of release 2 is left' } }));
    assert.match((await metricops('explain', 'web-1', '--logs')).err, /no pod of release 2 is left/);
  });

  it('exits with 3 while something needs a person, where that is asked for', async () => {
    const { server, metricops } = setUp();
    assert.equal((await metricops('status', '--exit-code')).code, 0);
    assert.equal((await metricops('incidents', '--exit-code')).code, 0);
    server.seed(
      resources.incidents,
      incidentWith({}, { reason: 'AwaitingApproval', message: 'v2 fails', conditions: [condition('NeedsPerson', '')] }),
    );
    for (const command of ['status', 'incidents']) {
      assert.equal((await metricops(command, '--exit-code')).code, 3, command);
      assert.equal((await metricops(command, '--exit-code', '-o', 'json')).code, 3, command);
      assert.equal((await metricops(command)).code, 0, command);
    }
    assert.match((await metricops('--help')).out, /3 done, but a person or a new commit is needed/);
  });

  it('removes nothing where nobody says yes to the server that it names', async () => {
    const { server, metricops, asked, terminal } = setUp();
    const changes = () => server.requests.filter(({ verb }) => !['get', 'list', 'watch', 'raw'].includes(verb));
    const alone = await metricops('uninstall');
    assert.equal(alone.code, 1);
    assert.match(
      alone.err,
      /^metricops will be removed from https:\/\/here: its kinds and their objects stay\nerror: Nothing was removed: there is no terminal/,
    );
    for (const answer of ['', 'y', 'no']) {
      terminal.answer = answer;
      assert.match((await metricops('uninstall')).err, /error: Nothing was removed\.$/);
    }
    assert.deepEqual([asked.length, asked[0]], [3, 'Remove it? Type yes: ']);
    assert.deepEqual(changes(), []);
  });

  it('shows no credentials, whatever an error says', async () => {
    const { server, metricops } = setUp();
    server.fault = () => {
      throw new KubeError('dial https://ann:pa55@10.0.0.1: refused, Authorization: Bearer abcDEF123456', {
        status: 500,
        reason: 'InternalError',
      });
    };
    const { err } = await metricops('status');
    assert.match(err, /dial https:\/\/\[redacted\]@10.0.0.1: refused/);
    assert.doesNotMatch(err, /pa55|abcDEF/);
  });

  it('says of the deliveries of Alertmanager what became of them', async () => {
    const { server, metricops } = setUp();
    const account = (deliveries: object) =>
      server.seed(resources.configMaps, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'metricops-system', name: 'metricops-deliveries' },
        data: { 'deliveries.json': JSON.stringify({ refused: {}, tests: [], ...deliveries }) },
      });
    const said = async () =>
      (
        JSON.parse((await metricops('check', '-o', 'json')).out) as {
          checks: { name: string; result: string; message: string; next?: string }[];
        }
      ).checks.find(({ name }) => name === 'deliveries');
    const at = (minute: number) => ({ count: 3, lastTime: `2025-12-31T23:5${minute}:00Z` });
    assert.match((await said())?.message ?? '', /^no alert was delivered yet, and no RollbackPolicy waits/);
    server.seed(resources.rollbackPolicies, policy('web', { targetRef: { name: 'web' } }));
    const never = await said();
    assert.match(
      `${never?.result} ${never?.message}`,
      /^warning no Alertmanager has delivered an alert yet, and 1 RollbackPolicy waits for one$/,
    );
    account({ accepted: at(5), unmatched: { ...at(4), labels: { alertname: 'Watchdog' } } });
    const well = await said();
    assert.equal(
      `${well?.result} ${well?.message}`,
      'ok Alertmanager delivers: the last time 5m ago; 3 alerts matched no workload, the last 6m ago: alertname="Watchdog"',
    );
    account({ accepted: at(5), refused: { BodyTooLarge: at(8) } });
    const refused = await said();
    assert.match(
      `${refused?.result} ${refused?.message}`,
      /^failed Alertmanager's deliveries are refused: BodyTooLarge, 3 times, the last 2m ago$/,
    );
    assert.ok(refused?.next);
  });

  it('compares the clocks of the controller and of the API server', async () => {
    const { server, metricops } = setUp();
    const said = async (renewTime: string) => {
      server.seed(resources.leases, {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: {
          namespace: 'metricops-system',
          name: 'metricops',
          managedFields: [{ time: '2026-01-01T00:00:00Z' }, { time: '2026-01-01T00:10:00Z' }],
        },
        spec: { holderIdentity: 'metricops-1', renewTime },
      });
      return (await metricops('check')).out;
    };
    assert.match(await said('2026-01-01T00:10:00.500000Z'), /^ok +the clocks .* agree$/m);
    assert.match(
      await said('2026-01-01T00:15:00.000000Z'),
      /^WARN +the clock of metricops-1 is 5m ahead of the API server's/m,
    );
    assert.match(
      await said('2026-01-01T00:08:00.000000Z'),
      /^WARN +the clock of metricops-1 is 2m behind the API server's/m,
    );
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
      (await metricops('get', 'app')).out,
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
    assert.doesNotMatch((await metricops('get', 'app')).out, /To delete/);
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
