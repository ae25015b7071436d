import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../api/meta.ts';
import { run } from '../program.ts';

const policy = (name: string, more = ''): string => `apiVersion: metricops.dev/v1alpha1
kind: RollbackPolicy
metadata: { name: ${name}${more} }
spec:
  targetRef: { name: ${name} }
  objectives:
    - name: availability
      target: "99.9"
      indicator: { ratio: { errors: "sum(rate(e[$window]))", total: "sum(rate(t[$window]))" } }
`;
const SHOP = ', namespace: shop';

describe('metricops slo rules --file', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'metricops-rules-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const metricops = async (input: string, ...argv: string[]) => {
    const out: string[] = [];
    const err: string[] = [];
    const code = await run(['slo', 'rules', ...argv], {
      out: (text) => void out.push(text),
      err: (text) => void err.push(text),
      input: async () => input,
      connect: async () => assert.fail('no cluster is needed'),
      now: () => 0,
      sleep: async () => {},
      manifests: () => assert.fail('no manifests are needed'),
      name: 'metricops',
      version: 'test',
    });
    return { code, out: out.join('\n'), err: err.join('\n') };
  };
  const file = (text: string): string => {
    const path = join(dir, 'policies.yaml');
    writeFileSync(path, text);
    return path;
  };
  const refusal = async (text: string, ...argv: string[]): Promise<string> => {
    const { code, out, err } = await metricops(text, '-f', '-', ...argv);
    assert.deepEqual([code, out], [1, ''], err);
    return err;
  };

  it('prints the rules of the policies of a file, without a cluster, and leaves other kinds out', async () => {
    const other = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n';
    const path = file([policy('web', SHOP), other, policy('api', SHOP)].join('---\n'));
    const { code, out, err } = await metricops('', '--file', path, '--label', 'release=prometheus');
    assert.deepEqual([code, err], [0, '']);
    const rules = loadAll(out) as KubeObject[];
    assert.deepEqual(
      rules.map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name, metadata.labels?.release]),
      [
        ['PrometheusRule', 'shop', 'metricops-web', 'prometheus'],
        ['PrometheusRule', 'shop', 'metricops-api', 'prometheus'],
      ],
    );
    const one = load((await metricops('', 'api', '-f', path, '--format', 'plain')).out) as { groups: KubeObject[] };
    assert.deepEqual(
      one.groups.map(({ name }) => name),
      ['metricops-shop-api'],
    );
  });

  it('reads standard input, also a list as kubectl prints it, and takes the namespace of -n', async () => {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [load(policy('web'))] });
    for (const text of [policy('web'), list]) {
      const { out } = await metricops(text, '-f', '-', '-n', 'shop', '-o', 'json');
      const { items } = JSON.parse(out) as { items: KubeObject[] };
      assert.deepEqual(
        items.map(({ metadata }) => metadata.namespace),
        ['shop'],
      );
    }
  });

  it('names the file and the document of what is wrong', async () => {
    const bad = policy('api', SHOP).replace('"99.9"', '99.9');
    const path = file(`${policy('web', SHOP)}---\n${bad}`);
    const { code, err } = await metricops('', '-f', path);
    assert.equal(code, 1);
    assert.ok(err.startsWith(`error: ${path}, document 2 (RollbackPolicy api): spec.objectives[0].target: `), err);
    assert.match(await refusal('a: [', '-n', 'shop'), /^error: standard input is not YAML: .*\(\d+:\d+\)/);
    assert.match(await refusal('a: 1'), /^error: standard input, document 1 is not a Kubernetes object/);
    const old = policy('web', SHOP).replace('v1alpha1', 'v1');
    assert.match(
      await refusal(old),
      /document 1 \(RollbackPolicy web\) has apiVersion metricops.dev\/v1\.\n {2}→ Write/,
    );
    const half = policy('web', SHOP).replace(/\n +indicator.*/, '');
    assert.match(await refusal(half), /document 1 .*: objective availability: target and indicator go together/);
  });

  it('says what to do where a namespace, a policy or the file is missing', async () => {
    assert.match(await refusal(policy('web')), /document 1 .* names no namespace.*\n.*give -n NAMESPACE/);
    assert.match(
      await refusal(policy('web', SHOP), '-n', 'other'),
      /is of namespace shop, not other\.\n.*Leave -n out/,
    );
    assert.match(
      await refusal(policy('web', SHOP), 'api'),
      /There is no RollbackPolicy api in standard input\.\n.*It has web\./,
    );
    assert.match(await refusal(''), /No RollbackPolicy in standard input has an objective/);
    assert.match(await refusal(policy('web', SHOP), '--apply'), /--apply .*\n.* \| kubectl apply -f -/);
    const gone = await metricops('', '-f', join(dir, 'gone.yaml'));
    assert.match(gone.err, /gone\.yaml can not be read: ENOENT\.\n/);
  });
});
