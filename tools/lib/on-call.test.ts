import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, it } from 'mocha';
import { reasons } from '../../src/api/reasons.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const PAGE = 'docs/on-call.md';

interface Rule {
  alert: string;
  annotations: { runbook_url?: string };
}

describe('docs/on-call.md', () => {
  const { groups } = load(read('deploy/monitoring/rules.yaml')) as { groups: { rules: Rule[] }[] };
  const rules = groups.flatMap((group) => group.rules);
  const page = read(PAGE);

  it('has a section for each alert of deploy/monitoring, and for no other', () => {
    const sections = [...page.matchAll(/^### (Metricops\w+)$/gm)].map(([, name]) => name);
    assert.deepEqual(sections.toSorted(), rules.map(({ alert }) => alert).toSorted());
  });

  for (const { alert, annotations } of rules)
    it(`is where the runbook_url of ${alert} leads`, () =>
      assert.equal(annotations.runbook_url, `${PAGE}#${alert.toLowerCase()}`));

  it('names reasons of the catalogue', () => {
    const known = new Set(Object.keys(reasons));
    const rows = [...page.matchAll(/^\| (`[A-Z]\w+`(?:, `[A-Z]\w+`)*) \|/gm)].flatMap(([, names = '']) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
    );
    const conditions = ['Judged', 'RolledBack', 'Recovered', 'NeedsPerson', 'Stalled'];
    assert.ok(rows.length > 30);
    assert.deepEqual(
      rows.filter((name) => !known.has(name) && !conditions.includes(name)),
      [],
    );
  });

  it('leads to the reference, which has each reason', () => {
    assert.ok(page.includes('(reference.md#reasons)'));
    const reference = read('docs/reference.md');
    assert.deepEqual(
      Object.keys(reasons).filter((reason) => !reference.includes(`| \`${reason}\` |`)),
      [],
    );
  });
});
