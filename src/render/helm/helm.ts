import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { KubeObject } from '../../api/meta.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { type Bounds, failsWith, runBounded } from '../../bounded.ts';
import { pointerWords } from '../../git/index.ts';
import { type Copy, goEnvironment, withCopy, withSecretFolder } from '../copy.ts';
import { inputsAt } from '../inputs.ts';
import { patched } from '../patches/patched.ts';
import type { Release, Rendered, Renderer, RendererPorts, RenderInput, ValuesText } from '../types.ts';
import { fullAllowance, type Unpacking, unpack } from './archive.ts';
import { readyChart } from './chart.ts';
import { complaintIn, withoutValues } from './complaint.ts';
import { manifestsIn, withoutHooks } from './output.ts';
import { differencesIn, mayDiffer } from './random.ts';
import { markHolders, type SecretDocument, secretValuesOf, shownOf, withoutSecrets } from './secret-values.ts';
import { type ValuesFile, valuesFilesIn, writeValues } from './values.ts';

/** Of one process. kube-prometheus-stack, with its 4 MB of definitions, needs 144 MiB and a second of CPU. */
export const HELM_BOUNDS: Omit<Bounds, 'wallMs'> = {
  memoryBytes: 224 * 1024 * 1024,
  cpuSeconds: 20,
  outputBytes: 16 * 1024 * 1024,
};

/** What `helm template` makes of the folder, or of a chart from elsewhere. */
export const helm: Renderer = {
  name: 'helm',
  marks: ['Chart.yaml'],
  async render(input, ports) {
    const { release: releaseOf, tenant = '' } = input;
    if (!releaseOf) throw new TypeError('nobody says what a chart is rendered with');
    const release = await releaseOf();
    refuseLongName(release);
    const archive = await release.chart?.read();
    return ports.turns.large(tenant, () => renderChart(input, { release, archive }, ports));
  },
};

const MAX_NAME = 53;

const refuseLongName = ({ name }: Release): void => {
  if (name.length <= MAX_NAME) return;
  const words = `${name} is too long for the name of a release, which has ${MAX_NAME} characters at most`;
  throw new ReasonError('HelmFailed', `${words}: set spec.render.helm.releaseName`);
};

/** With what a chart is rendered that is in no file of the source. */
interface Given {
  release: Release;
  /** Of a chart that is not in the source. */
  archive: Uint8Array | undefined;
}

interface Complete extends Given {
  files: readonly ValuesFile[];
}

const renderChart = async (input: RenderInput, given: Given, ports: RendererPorts): Promise<Rendered> => {
  const { tree, path, choice, tenant = '' } = input;
  const files = await valuesFilesIn(input, ports);
  const clear = files.flatMap((file) => ('path' in file ? [] : [file]));
  const secrets = await secretValuesOf(secretsIn([...clear, ...given.release.values], ports, tenant));
  const paths = [...(given.archive ? [] : [path]), ...(choice?.helm?.valuesFiles ?? [])];
  const { output, again, links } = await withCopy(tree, paths, (copy) =>
    withSecretFolder((secret) => template({ ...copy, secret }, input, { ...given, files }, ports)),
  );
  const parsed = await ports.parser.parse(manifestsIn(output), tenant).catch(async (error: unknown) => {
    throw await withoutSecrets(error, secrets);
  });
  const run = choice?.helm?.hooks === 'Run';
  const { objects, hooks } = withoutHooks(parsed, { run });
  const random = again === undefined ? [] : await randomIn(objects, again, ports, tenant);
  const rendered = {
    objects: await markHolders(objects, secrets),
    hooks: await shownOf(hooks, secrets),
    random: await shownOf(random, secrets),
    inputs: await inputsAt(input, paths, links),
    bytes: output.length,
  };
  return patched(rendered, input, ports);
};

/** What the second render has otherwise, of the objects that are applied. */
const randomIn = (
  objects: readonly KubeObject[],
  again: string,
  { parser }: RendererPorts,
  tenant: string,
): Promise<string[]> =>
  differencesIn(objects, async () => {
    const parsed = await parser.parse(manifestsIn(again), tenant);
    return withoutHooks(parsed, { run: true }).objects;
  });

/** What must not be shown; the parser has words for values that are no YAML which quote nothing. */
async function* secretsIn(
  values: readonly ValuesText[],
  { parser }: RendererPorts,
  tenant: string,
): AsyncGenerator<SecretDocument> {
  for (const { from, text } of values.filter(({ isSecret }) => isSecret))
    for (const document of await parser.documents({ file: from, text }, tenant)) yield { from, values: document };
}

/** Runs the helm binary: no shell, an empty environment, no plug-ins, no cluster, and nothing fetched. */
const template = async (
  copy: Copy & { secret: string },
  { path, choice }: RenderInput,
  { release, archive, files }: Complete,
  { helm: binary, timeoutMs, bounds = HELM_BOUNDS }: RendererPorts,
): Promise<{ output: string; again: string | undefined; links: boolean }> => {
  const { repository, home, links } = copy;
  refusePointers(copy);
  const { skipSchemaValidation: skipSchemas = false } = choice?.helm ?? {};
  const label = release.chart?.label ?? path;
  const allowance = fullAllowance();
  const chart = archive ? await unpacked(archive, copy, { label, allowance }) : join(repository, path);
  await readyChart(chart, { label, skipSchemas, allowance });
  const values = await writeValues({ files, texts: release.values, values: choice?.helm?.values }, copy);
  const args = [
    'template',
    release.name,
    chart,
    ...optionsOf(release),
    ...values.flatMap(({ path }) => ['--values', path]),
  ];
  if (skipSchemas) args.push('--skip-schema-validation');
  const program = { file: binary, args, cwd: home, env: goEnvironment(home, bounds) };
  const run = () => runBounded({ ...program, ...HELM }, { ...bounds, wallMs: timeoutMs });
  const ended = await run();
  if (ended.ok) {
    const paths = values.map(({ path }) => path);
    // A second render shows what is left to chance: nobody could say so before it is replaced.
    const second = links || (await mayDiffer(chart, paths)) ? await run() : undefined;
    const again = second?.ok && second.stdout !== ended.stdout ? second.stdout : undefined;
    return { output: ended.stdout, again, links };
  }
  let why = ended.why.replaceAll(`${repository}/`, '');
  for (const { path, name } of values) why = why.replaceAll(path, name);
  why = why.replaceAll(`${copy.dir}/`, '');
  const hasSecrets = [...files, ...release.values].some((each) => 'isSecret' in each && each.isSecret);
  const isSecret = hasSecrets && ended.code === FAILURE;
  throw new ReasonError(ended.code, `helm template of ${label} ${isSecret ? withoutValues(why) : why}`);
};

const FAILURE = 'HelmFailed';
const HELM = { setting: 'METRICOPS_HELM', failed: failsWith(FAILURE, complaintIn) };

/** A template that is left out would be missing without a word. */
const refusePointers = ({ pointers }: Copy): void => {
  const [first] = pointers;
  if (first !== undefined) throw new ReasonError('LFSPointerRefused', pointerWords(first));
};

const unpacked = async (archive: Uint8Array, { dir }: Copy, of: Unpacking): Promise<string> => {
  const chart = join(dir, 'chart');
  await mkdir(chart);
  await unpack(Readable.from([archive], { objectMode: false }), chart, of);
  return chart;
};

const optionsOf = ({ namespace, capabilities: { kubeVersion, apiVersions } }: Release): string[] => [
  '--namespace',
  namespace,
  '--include-crds',
  '--skip-tests',
  '--kube-version',
  kubeVersion,
  ...apiVersions.flatMap((version) => ['--api-versions', version]),
];
