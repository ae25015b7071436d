import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Case } from './cases.ts';
import { type Plane, run, type Said } from './plane.ts';

/** What kubectl is to apply: files as they are, or what kustomize or Helm wrote. */
export type Expected =
  | { files: string[]; text: string }
  /** `again`: a second render, which differs where a template makes something at random. */
  | { text: string; again: string }
  /** What the program says where it makes nothing. */
  | { refused: string };

export interface Programs {
  kustomize: string;
  helm: string;
}

/** The name that charts are installed under, and that of the GitSync. */
export const RELEASE = 'app';

/** As a person would have it on the command line, without metricops. `root` is the folder of the source. */
export const expectedOf = async (
  one: Exclude<Case, { kind: 'plain' }>,
  root: string,
  { programs, capabilities, namespace }: { programs: Programs; capabilities: readonly string[]; namespace: string },
): Promise<Expected> => {
  const folder = join(root, one.path);
  const [file, args] =
    one.kind === 'kustomize'
      ? [programs.kustomize, ['build', folder]]
      : [programs.helm, helmArgs(folder, namespace, [...capabilities, ...valuesOf(one, root)])];
  const first = await alone(file, args);
  if (!first.ok) return { refused: first.stderr.replaceAll(root, '').trim() };
  const second = one.kind === 'helm' ? await alone(file, args) : first;
  return { text: first.stdout, again: second.stdout };
};

const valuesOf = ({ values }: { values?: string }, root: string): string[] =>
  values === undefined ? [] : ['--values', join(root, values)];

const helmArgs = (folder: string, namespace: string, more: readonly string[]): string[] => [
  'template',
  RELEASE,
  folder,
  '--namespace',
  namespace,
  '--include-crds',
  '--no-hooks',
  ...more,
];

/** With no settings of the person who runs it, and no way to another host. */
const alone = async (file: string, args: readonly string[]): Promise<Said> => {
  const home = mkdtempSync(join(tmpdir(), 'metricops-real-'));
  const nowhere = 'http://127.0.0.1:9';
  try {
    return await run(file, args, { env: { HOME: home, HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere } });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
};

/** What templates are to see of the cluster, as flags of `helm template`: its version, and all that it serves. */
export const capabilitiesOf = async ({ client }: Pick<Plane, 'client'>): Promise<string[]> => {
  const { gitVersion } = (await client.raw('GET', '/version')) as { gitVersion: string };
  const { groups } = (await client.raw('GET', '/apis')) as { groups: { versions: { groupVersion: string }[] }[] };
  const versions = ['v1', ...groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => groupVersion))];
  const kinds = await Promise.all(
    versions.map(async (version) => {
      const path = `${version.includes('/') ? '/apis' : '/api'}/${version}`;
      const { resources } = (await client.raw('GET', path)) as { resources: { name: string; kind: string }[] };
      return resources.filter(({ name }) => !name.includes('/')).map(({ kind }) => `${version}/${kind}`);
    }),
  );
  return ['--kube-version', gitVersion, ...[...versions, ...kinds.flat()].flatMap((each) => ['--api-versions', each])];
};
