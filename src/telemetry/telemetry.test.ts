import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';

describe('log', () => {
  const logged = (write: (log: ReturnType<typeof createLog>) => void): string => {
    const lines: string[] = [];
    write(createLog({ destination: { write: (line: string) => void lines.push(line) } }));
    return lines.join('');
  };

  it('is one JSON object a line, with level and time as words', () => {
    const entry = JSON.parse(logged((log) => log.info({ gitSync: 'shop/web' }, 'synced'))) as Record<string, string>;
    assert.deepEqual([entry.level, entry.gitSync, entry.msg], ['info', 'shop/web', 'synced']);
    assert.ok(!Number.isNaN(Date.parse(entry.time ?? '')));
  });

  it('shows no credentials, whether in fields, in objects, in errors or in URLs', () => {
    const url = 'https://user:hunter2@git.example/repo.git';
    const cause = Object.assign(new Error(`fetch ${url}`), {
      data: { body: 'hunter2' },
      headers: { cookie: 'hunter2' },
    });
    const text = logged((log) => {
      log.info({ token: 'hunter2', password: 'hunter2', url }, 'a');
      log.info({ secret: { data: { key: 'hunter2' }, stringData: { key: 'hunter2' } } }, 'b');
      log.error({ err: new Error('clone failed', { cause }) }, 'c');
      log.error({ err: cause }, 'd');
    });
    assert.ok(!text.includes('hunter2'), text);
    assert.match(text, /git\.example\/repo\.git/);
  });
});

describe('metrics', () => {
  const { registry } = createMetrics();
  const all = registry.getMetricsAsArray() as unknown as {
    name: string;
    type: string;
    labelNames?: string[];
    help: string;
  }[];

  it('have names with units, a help, and labels whose values are few', () => {
    assert.ok(all.length > 10);
    for (const { name, type, labelNames = [], help } of all) {
      assert.match(name, /^metricops_[a-z_]+$/);
      assert.match(help, /\.$/);
      if (type === 'counter') assert.match(name, /_total$/);
      if (type === 'histogram') assert.match(name, /_seconds$/);
      for (const label of labelNames)
        assert.ok(['verb', 'code', 'what', 'result'].includes(label), `${name}: ${label}`);
    }
  });

  const rules = readFileSync(join(import.meta.dirname, '../../deploy/monitoring/rules.yaml'), 'utf8');

  it('have an alert wherever something is lost, refused or stopped', () => {
    for (const series of [
      'alerts_received_total{result=~"refused|failed|truncated"}',
      'requests_refused_total{what="alerts"',
      'release_snapshots_total{result="refused"}',
      'holds_applied_total{result="failed"}',
      'holds_overdue',
      'incidents_needing_person',
      'injection_stopped_namespaces',
      'missed_injections',
      'webhook_trusted',
      'webhook_certificate_expiry_timestamp_seconds',
    ])
      assert.ok(rules.includes(`metricops_${series}`), series);
  });

  it('begin at 0 where an alert asks for an increase: the first failure is one', async () => {
    const metrics = await registry.getMetricsAsJSON();
    const asked = [...rules.matchAll(/increase\((\w+)\{(.*)\}\[/g)];
    assert.ok(asked.length > 0);
    for (const [, name = '', matchers = ''] of asked) {
      const labels = [...matchers.matchAll(/(\w+)=~?"([^"]*)"/g)];
      const series = metrics.find((metric) => metric.name === name)?.values.map((value) => value.labels) ?? [];
      for (const result of labels.find(([, label]) => label === 'result')?.[2]?.split('|') ?? []) {
        const what = labels.find(([, label]) => label === 'what')?.[2];
        const isOfRule = (labels: (typeof series)[number]): boolean =>
          labels.result === result && (what === undefined || labels.what === what);
        const found = series.some(isOfRule);
        assert.ok(found, `${name} ${what ?? ''} ${result}`);
      }
    }
  });

  it('hold all that the alert rules ask for', () => {
    const asked = new Set(rules.match(/\bmetricops_[a-z_]+/g));
    assert.ok(asked.size > 0);
    for (const name of asked) {
      const base = name.replace(/_(bucket|count|sum)$/, '');
      assert.ok(
        all.some((m) => m.name === name || m.name === base),
        `no metric ${name}`,
      );
    }
  });
});
