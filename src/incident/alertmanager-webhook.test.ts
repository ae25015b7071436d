import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { parseDelivery } from './alertmanager-webhook.ts';
import { withAlerts } from './evidence.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const ISO = new Date(NOW).toISOString();
const alert = (rest: object = {}) => ({ status: 'firing', labels: { alertname: 'Burn', namespace: 'shop' }, ...rest });
const parse = async (body: unknown) => {
  const parsed = await parseDelivery(body, NOW);
  assert.ok(typeof parsed !== 'string', String(parsed));
  return parsed;
};

describe('a delivery', () => {
  for (const [what, body] of [
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['a number', 7],
    ['no alerts', { version: '4' }],
    ['alerts that are a text', { alerts: 'none' }],
    ['alerts that are an object', { alerts: { length: 1 } }],
    ['only what is no alert', { alerts: [null, 7, 'x', [], { status: 'on fire', labels: {} }] }],
    ['labels that are no texts', { alerts: [alert({ labels: { a: 1 } })] }],
    ['labels that are a list', { alerts: [alert({ labels: ['a'] })] }],
  ] as const) {
    it(`is refused in words: ${what}`, async () => {
      assert.match(String(await parseDelivery(body, NOW)), /^not an Alertmanager webhook of version 4: .{1,500}/);
    });
  }

  it('loses nothing by an alert beside it that is none', async () => {
    const { alerts, invalid } = await parse({ alerts: [null, alert(), alert({ labels: null }), { labels: {} }] });
    assert.deepEqual([alerts.length, invalid], [1, 3]);
  });

  it('knows alerts by their labels: one fingerprint from outside hides no other', async () => {
    const sent = ['a', 'b', 'a'].map((pod) => alert({ fingerprint: 'same', labels: { pod } }));
    const [a, b, again] = (await parse({ alerts: sent })).alerts.map((one) => one.fingerprint);
    assert.notEqual(a, b);
    assert.equal(a, again);
  });

  it('keeps the first of many labels, its name and namespace among them', async () => {
    const labels: Record<string, string> = {};
    for (let i = 0; i < 20_000; i += 1) labels[`l${i}`] = '';
    const [only] = (await parse({ alerts: [alert({ labels: { ...labels, namespace: 'shop', alertname: 'Burn' } })] }))
      .alerts;
    assert.deepEqual(Object.keys(only?.labels ?? {}).slice(0, 3), ['alertname', 'namespace', 'l0']);
    assert.ok(JSON.stringify(only?.labels).length < 5000);
  });

  it('keeps the mark of our own alerts, however many labels come before it', async () => {
    const labels: Record<string, string> = {};
    for (let i = 0; i < 20_000; i += 1) labels[`l${i}`] = '';
    const [only] = (await parse({ alerts: [alert({ labels: { ...labels, metricops_incident: 'web-2' } })] })).alerts;
    assert.equal(only?.labels.metricops_incident, 'web-2');
  });

  it('keeps the links of an alert, and nothing that is no link', async () => {
    const long = `https://prometheus.example/graph?expr=${'a'.repeat(3000)}`;
    const sent = [
      alert({
        generatorURL: 'https://prometheus.example/graph?g0.expr=up',
        annotations: {
          runbook_url: 'https://runbooks.example/burn',
          dashboard_url: 'javascript:alert(1)',
          summary: 'x',
        },
      }),
      alert({ generatorURL: long, annotations: { runbook_url: 'https://bob:secret@runbooks.example' } }),
      alert({ generatorURL: 7, annotations: 'none' }),
    ];
    assert.deepEqual(
      (await parse({ alerts: sent })).alerts.map(({ links }) => links),
      [
        {
          generatorURL: 'https://prometheus.example/graph?g0.expr=up',
          runbookURL: 'https://runbooks.example/burn',
        },
        undefined,
        undefined,
      ],
    );
  });

  for (const [what, startsAt, expected] of [
    ['in the future, so that no release is too old for it', '2099-01-01T00:00:00Z', ISO],
    ['far in the future', '+275760-09-13T00:00:00Z', undefined],
    ['the zero time of Go', '0001-01-01T00:00:00Z', undefined],
    ['no time', 'yesterday', undefined],
    ['a number in a text', '1', undefined],
    ['a number', 1, undefined],
    ['null', null, undefined],
    ['with an offset', '2026-01-01T12:30:00+01:00', '2026-01-01T11:30:00.000Z'],
  ] as const) {
    it(`has alerts that began when that can be: ${what}`, async () => {
      const { alerts } = await parse({ alerts: [alert({ startsAt })] });
      assert.deepEqual(
        alerts.map((a) => a.startsAt),
        [expected],
      );
    });
  }

  it('says how many alerts were left out, by Alertmanager and here', async () => {
    assert.equal((await parse({ alerts: [], truncatedAlerts: 3 })).truncated, 3);
    for (const odd of [-1, 'x', null, 1.5, {}]) {
      assert.equal((await parse({ alerts: [], truncatedAlerts: odd })).truncated, 0);
    }
    const { alerts, truncated } = await parse({ alerts: Array.from({ length: 10_001 }, () => alert()) });
    assert.deepEqual([alerts.length, truncated], [10_000, 1]);
  });

  it('is a delivery or a text, whatever JSON it is, and its evidence is bounded', async () => {
    const odd = fc.record({
      alerts: fc.array(
        fc.oneof(
          fc.jsonValue(),
          fc.record({
            status: fc.constantFrom('firing', 'resolved'),
            labels: fc.dictionary(fc.string({ maxLength: 1000 }), fc.string({ maxLength: 10_000 }), { maxKeys: 20 }),
            startsAt: fc.oneof(fc.string(), fc.date().map(String), fc.constant(ISO)),
            fingerprint: fc.constant('same'),
          }),
        ),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), odd), async (body) => {
        const parsed = await parseDelivery(body, NOW);
        if (typeof parsed === 'string') return;
        const kept = withAlerts({ evidence: [] }, { alerts: parsed.alerts, truncated: false }, ISO);
        assert.ok(Buffer.byteLength(JSON.stringify(kept?.evidence ?? [])) < 400_000);
        assert.ok((kept?.evidence.length ?? 0) <= 64);
      }),
    );
  });
});
