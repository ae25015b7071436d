import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, conditionWith, hold, incident } from '../../test/support/objects.ts';
import type { Hold } from '../api/hold.ts';
import type { Evidence, Incident, IncidentStatus } from '../api/incident.ts';
import { alertOf, severityOf } from './incident-alert.ts';
import { type IncidentState, stateOf } from './incident-state.ts';

const asks = conditionWith('NeedsPerson', { lastTransitionTime: at(60) });
const open = (reason: string, rest: Partial<IncidentStatus> = {}) =>
  incident('web-3-abc', { phase: 'Judging', reason, conditions: [asks], ...rest });
const rolledBack: Partial<IncidentStatus> = { rolledBackTime: at(30), holdRef: { name: 'h' }, conditions: [] };
const held: Hold = hold('h', { phase: 'Held' });

const evidence = (labels: Record<string, string>, rest: Partial<Evidence> = {}): Evidence => ({
  source: 'Alertmanager',
  fingerprint: 'f',
  alert: 'ErrorBudgetBurn',
  status: 'firing',
  labels: { alertname: 'ErrorBudgetBurn', ...labels },
  receivedTime: at(0),
  lastReceivedTime: at(0),
  ...rest,
});
const withEvidence = (...entries: Evidence[]): Incident => ({
  ...incident('web-3-abc', { ...rolledBack, phase: 'Verifying', reason: 'RolledBack', message: 'applied' }),
  spec: {
    workloadRef: { kind: 'Deployment', name: 'web' },
    suspect: { number: 3, sourceDigest: `v1:${'3'.repeat(64)}`, commit: 'c0ffee' },
    evidence: entries,
  },
});

describe('what people are notified of', () => {
  for (const [what, given, of, expected] of [
    ['a person has to approve', open('AwaitingApproval'), undefined, 'AwaitingApproval'],
    ['the burn did not end', open('NotRecovered', { phase: 'Verifying' }), held, 'NotRecovered'],
    ['the verdict was wrong', open('Misjudged', { phase: 'Verifying' }), held, 'Misjudged'],
    ['a person has to decide', open('NoGoodRelease'), undefined, 'NeedsPerson'],
    ['a release is judged', open('Progressing', { conditions: [] }), undefined, undefined],
    ['a Hold is written', incident('i', { phase: 'RollingBack', reason: 'ErrorRateIncreased' }), undefined, undefined],
    [
      'a release is rolled back',
      incident('i', { ...rolledBack, phase: 'Verifying', reason: 'RolledBack' }),
      held,
      'RolledBack',
    ],
    ['it has recovered, and is held', incident('i', { ...rolledBack, phase: 'Recovered' }), held, 'RolledBack'],
    ['a fix runs', incident('i', { ...rolledBack, phase: 'Recovered' }), hold('h', { phase: 'Dormant' }), undefined],
    ['a person lifted the Hold', incident('i', { ...rolledBack, phase: 'Recovered' }), undefined, undefined],
    ['it is closed', incident('i', { phase: 'Dismissed', reason: 'Denied', conditions: [asks] }), undefined, undefined],
  ] as [string, Incident, Hold | undefined, IncidentState | undefined][])
    it(`is ${expected ?? 'nothing'} while ${what}`, () => assert.equal(stateOf(given, of), expected));
});

describe('the alert about an incident', () => {
  const routed = evidence(
    { severity: 'page', namespace: 'elsewhere', team: 'checkout', pod: 'web-1', instance: '10.0.0.1', reason: 'x' },
    { links: { generatorURL: 'https://prometheus.example/graph', runbookURL: 'https://runbooks.example/burn' } },
  );
  const of = (given: Incident, state: IncidentState) =>
    alertOf(given, state, { cluster: { label: 'cluster', value: 'prod' }, endsAt: Date.parse(at(240)) });

  it('takes the route of the alert that opened it, and names the workload, the state and the incident', () => {
    assert.deepEqual(of(withEvidence(routed), 'RolledBack').labels, {
      alertname: 'MetricopsIncident',
      cluster: 'prod',
      namespace: 'shop',
      deployment: 'web',
      team: 'checkout',
      severity: 'info',
      reason: 'RolledBack',
      metricops_incident: 'web-3-abc',
    });
  });

  it('has its links, its commit, the figures, and the next command', () => {
    const alert = of({ ...withEvidence(routed) }, 'RolledBack');
    assert.equal(alert.generatorURL, 'https://prometheus.example/graph');
    assert.deepEqual(alert.annotations, {
      summary: 'Deployment shop/web is rolled back from release 3 to a release',
      description: 'applied\nmetricops explain web-3-abc -n shop',
      alert: 'ErrorBudgetBurn',
      commit: 'c0ffee',
      runbook_url: 'https://runbooks.example/burn',
    });
    assert.deepEqual([alert.startsAt, alert.endsAt], [at(30), at(240)]);
  });

  it('is another one in another state, and the same one while its incident goes on', () => {
    const before = withEvidence(routed);
    const after = { ...before, status: { ...before.status, message: 'still applied' } };
    assert.deepEqual(of(before, 'RolledBack').labels, of(after, 'RolledBack').labels);
    assert.notDeepEqual(of(before, 'NotRecovered').labels, of(before, 'RolledBack').labels);
  });

  for (const [what, severities, state, expected] of [
    ['a rollback that worked pages nobody', ['page'], 'RolledBack', 'info'],
    ['what needs a person pages as its alert does', ['critical'], 'NeedsPerson', 'critical'],
    ['the most urgent alert counts', ['ticket', 'page', 'info'], 'NotRecovered', 'page'],
    ['a severity that nobody knows is less urgent than one that is known', ['p7', 'warning'], 'Misjudged', 'warning'],
    ['a severity that nobody knows is kept', ['p7'], 'AwaitingApproval', 'p7'],
    ['pods that crash have no alert', [], 'NeedsPerson', 'page'],
  ] as [string, string[], IncidentState, string][])
    it(`${what}: ${state} is ${expected}`, () => {
      const entries = severities.map((severity) => evidence({ severity }));
      assert.equal(severityOf(withEvidence(...(entries.length > 0 ? entries : [evidence({})])), state), expected);
    });
});
