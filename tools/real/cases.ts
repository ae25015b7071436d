import { type Dirent, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

interface Common {
  /** Of the folder, from the root of the source. */
  path: string;
}

/** The manifests that lie in a folder itself; `others` are files of the folder that are none. */
export interface PlainCase extends Common {
  kind: 'plain';
  files: string[];
  others: string[];
}

export interface KustomizeCase extends Common {
  kind: 'kustomize';
}

/** A chart with its own values, or with those of one of its examples in ci/. */
export interface HelmCase extends Common {
  kind: 'helm';
  values?: string;
}

/** A folder that somebody would sync. */
export type Case = PlainCase | KustomizeCase | HelmCase;

/** What nobody can build by itself, and why. */
export interface Skipped extends Common {
  kind: 'kustomize' | 'helm';
  skipped: string;
}

const KUSTOMIZATIONS = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];
const MANIFEST = /\.(ya?ml|json)$/;

/** All folders below the root, in order. A chart is one of them as a whole; folders with a leading dot are left out. */
export const findCases = (root: string): (Case | Skipped)[] => casesIn(root, '.');

export const isSkipped = (one: Case | Skipped): one is Skipped => 'skipped' in one;

/** `charts/web`, and `charts/web with ci/all-values.yaml` where the values are not the chart's own. */
export const nameOf = (one: Case | Skipped): string =>
  one.kind === 'helm' && 'values' in one && one.values !== undefined
    ? `${one.path} with ${posix.relative(one.path, one.values)}`
    : one.path;

const casesIn = (root: string, path: string): (Case | Skipped)[] => {
  const entries = readdirSync(join(root, path), { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  if (files.includes('Chart.yaml')) return chartsIn(root, path);
  const below = entries.filter(isOrdinaryFolder).flatMap(({ name }) => casesIn(root, posix.join(path, name)));
  const kustomization = KUSTOMIZATIONS.find((name) => files.includes(name));
  return [
    ...(kustomization === undefined ? plainIn(root, path, files) : kustomizeIn(root, path, kustomization)),
    ...below,
  ];
};

const isOrdinaryFolder = (entry: Dirent): boolean =>
  entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules';

const chartsIn = (root: string, path: string): (Case | Skipped)[] => {
  if (/^type:\s*["']?library\b/m.test(readFileSync(join(root, path, 'Chart.yaml'), 'utf8')))
    return [{ kind: 'helm', path, skipped: 'it is a library, which other charts use' }];
  const ci = join(root, path, 'ci');
  const examples = existsSync(ci) ? readdirSync(ci).filter((name) => /values\.ya?ml$/.test(name)) : [];
  const withExamples = examples.toSorted().map((name): HelmCase => {
    return { kind: 'helm', path, values: posix.join(path, 'ci', name) };
  });
  return [{ kind: 'helm', path }, ...withExamples];
};

const kustomizeIn = (root: string, path: string, file: string): (Case | Skipped)[] =>
  /^kind:\s*["']?Component\b/m.test(readFileSync(join(root, path, file), 'utf8'))
    ? [{ kind: 'kustomize', path, skipped: 'it is a component, which other kustomizations use' }]
    : [{ kind: 'kustomize', path }];

const plainIn = (root: string, path: string, names: readonly string[]): PlainCase[] => {
  const texts = names.filter((name) => MANIFEST.test(name));
  const files = texts.filter((name) => isManifest(readFileSync(join(root, path, name), 'utf8')));
  const others = texts.filter((name) => !files.includes(name));
  return files.length === 0 ? [] : [{ kind: 'plain', path, files, others }];
};

/** By its text, not by any parser: what kubectl reads and we don't has to be a case. */
const isManifest = (text: string): boolean =>
  text.trimStart().startsWith('{')
    ? /"apiVersion"\s*:/.test(text) && /"kind"\s*:/.test(text)
    : /^["']?apiVersion["']?\s*:/m.test(text) && /^["']?kind["']?\s*:/m.test(text) && !/^\s*\{\{/m.test(text);
