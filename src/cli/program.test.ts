import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
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
      .filter((line) => /NAMESPACE|app/.test(line));
    assert.equal(row.slice(heads.indexOf('TO DELETE')).split(' ')[0], '1');
    server.seed(
      resources.gitSyncs,
      syncWith({ conditions: [condition('Ready', 'x'), condition('PrunePending', 'nothing', 'False')] }),
    );
    assert.doesNotMatch((await metricops('sync', 'app')).out, /To delete/);
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
