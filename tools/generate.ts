import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { dump, load } from 'js-yaml';
import { SYSTEM_NAMESPACE } from '../src/api/annotations.ts';
import { crds } from '../src/api/crd.ts';
import { jsonSchemas } from '../test/simulation/given/json-schemas.ts';
import { chartFiles } from './chart/index.ts';
import { compare, features } from './compare/index.ts';
import { cliPage } from './lib/cli-page.ts';
import { httpPage } from './lib/http-page.ts';
import { metricsPage, sizingPage } from './lib/pages.ts';
import { reference } from './lib/reference.ts';

const ROOT = join(import.meta.dirname, '..');
const NOTICE = 'Generated from src/api by `npm run generate`; do not edit.';

/** Every generated file by its path in the repository. */
export const generated = (): Map<string, string> => {
  const files = new Map<string, string>();
  const names: string[] = [];
  for (const crd of crds()) {
    const name = `${crd.metadata.name.split('.')[0]}.yaml`;
    names.push(name);
    files.set(`deploy/crds/${name}`, `# ${NOTICE}\n${dump(crd, { lineWidth: -1, noRefs: true })}`);
  }
  const kustomization = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources: names };
  files.set('deploy/crds/kustomization.yaml', `# ${NOTICE}\n${dump(kustomization)}`);
  files.set('deploy/monitoring/prometheusrule.yaml', prometheusRule());
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const read = (path: string): string => files.get(path) ?? readFileSync(join(ROOT, path), 'utf8');
  for (const [path, text] of chartFiles(read, { version })) files.set(`charts/metricops/${path}`, text);
  for (const [name, text] of jsonSchemas()) files.set(`docs/schemas/${name}`, text);
  files.set('docs/reference.md', `<!-- ${NOTICE} -->\n\n${reference()}`);
  files.set(
    'docs/sizing.md',
    `<!-- Generated from tools/lib/memory.ts by \`npm run generate\`; do not edit. -->\n\n${sizingPage()}`,
  );
  files.set(
    'docs/metrics.md',
    `<!-- Generated from src/telemetry/metrics.ts and deploy/monitoring/rules.yaml by \`npm run generate\`; do not edit. -->\n\n${metricsPage()}`,
  );
  files.set('docs/cli.md', `<!-- Generated from src/cli by \`npm run generate\`; do not edit. -->\n\n${cliPage()}`);
  files.set(
    'docs/http-api.md',
    `<!-- Generated from src/server/endpoints.ts by \`npm run generate\`; do not edit. -->\n\n${httpPage()}`,
  );
  files.set(
    'docs/compare.md',
    `<!-- Generated from tools/compare/features by \`npm run generate\`; do not edit. -->\n\n${compare(features)}`,
  );
  return files;
};

/** The plain rule file, as prometheus-operator wants it. */
const prometheusRule = (): string => {
  const rules = load(readFileSync(join(ROOT, 'deploy/monitoring/rules.yaml'), 'utf8')) as { groups: unknown[] };
  const labels = { 'app.kubernetes.io/name': 'metricops', 'app.kubernetes.io/part-of': 'metricops' };
  const object = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'metricops', namespace: SYSTEM_NAMESPACE, labels },
    spec: rules,
  };
  return `# Generated from rules.yaml by \`npm run generate\`; do not edit.\n${dump(object, { lineWidth: -1 })}`;
};

/** Paths whose content is not what would be generated, or that nothing generates any more. */
export const stale = (): string[] => {
  const want = generated();
  const read = (path: string): string | undefined => {
    try {
      return readFileSync(join(ROOT, path), 'utf8');
    } catch {
      return undefined;
    }
  };
  const changed = [...want].filter(([path, text]) => read(path) !== text).map(([path]) => path);
  const orphans = globSync(['deploy/crds/*', 'charts/metricops/**/*'], { cwd: ROOT, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !want.has(path));
  return [...changed, ...orphans];
};

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const paths = stale();
    for (const path of paths) process.stderr.write(`${path} is not what it is generated from: npm run generate\n`);
    process.exitCode = paths.length === 0 ? 0 : 1;
  } else {
    for (const [path, text] of generated()) {
      mkdirSync(dirname(join(ROOT, path)), { recursive: true });
      writeFileSync(join(ROOT, path), text);
    }
  }
}
