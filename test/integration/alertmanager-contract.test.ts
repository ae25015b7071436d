import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { type Alertmanager, createAlertmanager } from '../../src/alertmanager/alertmanager.ts';
import { type Matcher, matchesAll } from '../../src/alertmanager/matcher.ts';
import { createSilences } from '../../src/alertmanager/silences.ts';
import { systemClock } from '../../src/clock.ts';
import { type AlertmanagerFixture, startAlertmanagerFixture } from '../support/alertmanager.ts';
import { eventually } from '../support/poll.ts';

const MINUTE_MS = 60_000;
const ALERTS: readonly Record<string, string>[] = [
  { alertname: 'Burn', namespace: 'shop', deployment: 'web', severity: 'page' },
  { alertname: 'Burn', namespace: 'shop', deployment: 'web-1', severity: 'ticket', version: '1.2.3' },
  { alertname: 'burn', namespace: 'bank', deployment: 'api', note: 'a_b c' },
  { alertname: 'PodsCrash', namespace: 'shop', note: 'Größe' },
];

describe('a real Alertmanager', () => {
  let fixture: AlertmanagerFixture;
  let alertmanager: Alertmanager;
  const post = async (path: string, body: unknown): Promise<Response> =>
    fetch(`${fixture.url}/api/v2/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const silence = async (matchers: Matcher[], fromMs = 0): Promise<string | undefined> => {
    const [startsAt, endsAt] = [fromMs, fromMs + 10 * MINUTE_MS].map((ms) => new Date(Date.now() + ms).toISOString());
    const answer = await post('silences', { matchers, startsAt, endsAt, createdBy: 'ann', comment: 'maintenance' });
    if (!answer.ok) return undefined;
    const { silenceID } = (await answer.json()) as { silenceID: string };
    return silenceID;
  };
  const expire = async (id: string): Promise<void> => {
    const answer = await fetch(`${fixture.url}/api/v2/silence/${id}`, { method: 'DELETE' });
    assert.ok(answer.ok, `${answer.status} ${await answer.text()}`);
  };
  /** Labels of the alerts that Alertmanager itself takes for silenced. */
  const silencedThere = async (id: string): Promise<Record<string, string>[]> => {
    const answer = await fetch(`${fixture.url}/api/v2/alerts`);
    const alerts = (await answer.json()) as { labels: Record<string, string>; status: { silencedBy: string[] } }[];
    return alerts.filter(({ status }) => status.silencedBy.includes(id)).map(({ labels }) => labels);
  };
  /** The silence, once it is the only active one. */
  const only = (id: string) =>
    eventually(
      async () => {
        const [found, ...others] = await alertmanager.activeSilences();
        if (found?.id === id && others.length === 0) return found;
        throw new Error(JSON.stringify([found, ...others]));
      },
      { what: 'the silence', timeoutMs: 20_000 },
    );
  const inOrder = (all: readonly Record<string, string>[]): string[] =>
    all.map((one) => JSON.stringify(Object.entries(one).toSorted())).toSorted();

  before(async function () {
    this.timeout(60_000);
    fixture = await startAlertmanagerFixture();
    alertmanager = createAlertmanager({ url: fixture.url });
    const endsAt = new Date(Date.now() + 60 * MINUTE_MS).toISOString();
    assert.ok(
      (
        await post(
          'alerts',
          ALERTS.map((labels) => ({ labels, endsAt })),
        )
      ).ok,
    );
  });
  after(async () => {
    await alertmanager?.close();
    await fixture?.stop();
  });

  for (const [name, operator, value] of [
    ['namespace', '=', 'shop'],
    ['namespace', '!=', 'shop'],
    ['deployment', '=~', 'web'],
    ['deployment', '=~', 'web|api'],
    ['deployment', '=~', 'web.*'],
    ['deployment', '=~', 'web\\-\\d'],
    ['deployment', '!~', 'web.*'],
    ['deployment', '!~', '.+'],
    ['deployment', '=~', 'eb'],
    ['version', '=~', '1\\.2\\..'],
    ['version', '!=', '1.2.3'],
    ['alertname', '=~', '(?i)BURN'],
    ['alertname', '=~', '(?P<first>[bB])urn'],
    ['alertname', '=~', 'Pods(Crash|Fail){1,2}'],
    ['note', '=~', 'a\\_b\\sc'],
    ['note', '=~', 'Gr.+e'],
    ['note', '=~', 'Gr\\p{L}{2}e'],
    ['severity', '=~', 'page|'],
  ] as const)
    it(`silences by ${name}${operator}${value} what we take for silenced, and nothing else`, async () => {
      const [isRegex, isEqual] = [operator.includes('~'), operator.startsWith('=')];
      // A matcher that matches nothing but an empty label needs one beside it.
      const always = { name: 'alertname', value: '.+', isRegex: true, isEqual: true };
      const matchers = [{ name, value, isRegex, isEqual }, always];
      const id = await silence(matchers);
      assert.ok(id);
      try {
        const read = await only(id);
        assert.equal(read.createdBy, 'ann');
        assert.deepEqual(read.matchers.toSorted(byName), matchers.toSorted(byName));
        const here = ALERTS.filter((labels) => matchesAll(read.matchers, labels));
        // What is silenced is worked out a moment after the silence is there.
        await eventually(
          async () => {
            assert.deepEqual(inOrder(await silencedThere(id)), inOrder(here));
            return true;
          },
          { what: 'the same alerts', timeoutMs: 20_000 },
        );
      } finally {
        await expire(id);
      }
    });

  it('has active silences, and no pending and no expired ones', async () => {
    const all = { name: 'namespace', value: 'shop', isRegex: false, isEqual: true };
    const pending = await silence([all], 5 * MINUTE_MS);
    const expired = await silence([all]);
    await expire(expired ?? '');
    const active = await silence([all]);
    await only(active ?? '');
    const [shop, bank] = [ALERTS[0] ?? {}, ALERTS[2] ?? {}];
    const found = await createSilences(alertmanager, systemClock).of([shop]);
    assert.equal(found.is === 'Silenced' && found.id, active);
    assert.ok(found.is === 'Silenced' && found.until > Date.now() + 9 * MINUTE_MS);
    assert.deepEqual(await createSilences(alertmanager, systemClock).of([shop, bank]), { is: 'Audible' });
    for (const id of [pending, active]) await expire(id ?? '');
  });
});

const byName = (a: Matcher, b: Matcher): number => (a.name + a.value < b.name + b.value ? -1 : 1);
