import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { API_VERSION } from '../../src/api/annotations.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import { hookSaidBy } from '../../src/api/hooks.ts';
import { type KubeObject, parseKey } from '../../src/api/meta.ts';
import { resources } from '../../src/kube/index.ts';
import { waitFor } from '../cluster/wait.ts';
import type { Case } from './cases.ts';
import { compareObjects } from './compare.ts';
import { type Expected, expectedOf, type Programs, RELEASE } from './expected.ts';
import { isListed } from './listed.ts';
import { objectsIn, randomIn } from './manifests.ts';
import { emptyOutcome, type Outcome } from './outcome.ts';
import type { Plane, Said } from './plane.ts';
import { runPods } from './pods.ts';

export interface Sides {
  /** On which metricops runs. */
  ours: Plane;
  /** On which kubectl applies. */
  theirs: Plane;
}

export interface Source {
  /** As lines name it. */
  name: string;
  /** The folder of the source on disk. */
  root: string;
  /** Where metricops fetches the same. */
  url: string;
}

export interface Trying extends Sides {
  source: Source;
  programs: Programs;
  /** Flags of `helm template`. */
  capabilities: readonly string[];
  /** A name that no case before has had. */
  namespace: string;
}

export interface Tried {
  outcome: Outcome;
  /** All that either of them may have made. */
  objects: KubeObject[];
}

const DEADLINE_MS = 30_000;

/** Has kubectl apply it on one side and metricops sync it on the other, and compares. */
export const tryCase = async (one: Case, trying: Trying): Promise<Tried> => {
  const { ours, theirs, source, namespace } = trying;
  const outcome = emptyOutcome(source.name, one);
  const expected = await wantedOf(one, trying);
  const all = 'text' in expected ? objectsIn(expected.text) : [];
  const hooks = all.filter(isHook);
  const objects = all.filter((object) => !isHook(object));
  for (const plane of [ours, theirs]) for (const name of namespacesFor(all, namespace)) await plane.namespace(name);
  const applying = 'refused' in expected ? undefined : applyAll(theirs, namespace, expected);
  await ours.client.create(resources.gitSyncs, gitSyncOf(one, trying));
  const [applied, sync] = await Promise.all([applying, settled(ours, namespace, 'refused' in expected)]);
  const ready = readyOf(sync);
  const entries = sync.status?.inventory?.entries ?? [];
  const ids = entries.map(({ id, v }) => ({ ...parseKey(id), version: v }));
  if ('refused' in expected) return { outcome: ofRefused(outcome, expected.refused, ready, ids.length), objects: [] };
  if (ids.length === 0 && isRefusal(ready)) {
    const words = `${ready.reason}: ${ready.message}`;
    const madeNothing = applied?.ok !== true && !applied?.stdout.includes('serverside-applied');
    const verdict = madeNothing ? 'refused' : isListed(ready.reason, applied?.ok === false) ? 'listed' : 'differs';
    return { outcome: { ...outcome, verdict, why: [words] }, objects: all };
  }
  if (ready.reason === WAITS) {
    const words = `metricops waits for what nothing here does: ${ready.message}`;
    return { outcome: { ...outcome, verdict: 'skipped', why: [words] }, objects: all };
  }
  const random = 'again' in expected ? randomIn(expected.text, expected.again) : new Map();
  const compared = await compareObjects({ ours, theirs }, { objects, ids, namespace, random, timeoutMs: DEADLINE_MS });
  const why = compared.differences.length === 0 ? [] : [...compared.differences, ...saidBy(ready, applied)];
  return {
    outcome: { ...outcome, ...compared.counts, verdict: why.length === 0 ? 'same' : 'differs', why },
    objects: [...compared.objects, ...hooks],
  };
};

/** metricops runs it, or leaves it out, where kubectl applies it. */
const isHook = ({ metadata }: KubeObject): boolean => hookSaidBy(metadata)?.tool === 'Argo CD';

const wantedOf = async (one: Case, { source, programs, capabilities, namespace }: Trying): Promise<Expected> => {
  if (one.kind !== 'plain') return expectedOf(one, source.root, { programs, capabilities, namespace });
  const files = one.files.map((file) => join(source.root, one.path, file));
  return { files, text: files.map((file) => readFileSync(file, 'utf8')).join('\n---\n') };
};

/** Those that objects name and that none of them is. */
const namespacesFor = (objects: readonly KubeObject[], own: string): Set<string> => {
  const made = new Set(objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name));
  const named = objects.flatMap(({ metadata }) => (typeof metadata.namespace === 'string' ? [metadata.namespace] : []));
  return new Set([own, ...named.filter((name) => name !== '' && !made.has(name))]);
};

const TRIES = 6;

/** Again for as long as there is something new to apply: custom resources come before their definition is served. */
const applyAll = async (
  plane: Plane,
  namespace: string,
  expected: Exclude<Expected, { refused: string }>,
): Promise<Said> => {
  const files = 'files' in expected ? expected.files : ['-'];
  const input = 'files' in expected ? '' : expected.text;
  const args = ['apply', '--server-side', '--force-conflicts', ...files.flatMap((file) => ['-f', file])];
  if (input.trim() === '' && !('files' in expected)) return { ok: true, stdout: '', stderr: '' };
  let said = await plane.kubectl(namespace, args, input);
  for (let tries = 1; !said.ok && tries < TRIES && MAY_COME.test(said.stderr); tries += 1) {
    const before = said;
    said = await plane.kubectl(namespace, args, input);
    if (tries > 2 && said.stderr === before.stderr) break;
  }
  return said;
};

const MAY_COME = /no matches for kind|not found|could not find the requested resource/;

const gitSyncOf = (one: Case, { source, namespace }: Trying): GitSync => ({
  apiVersion: API_VERSION,
  kind: 'GitSync',
  metadata: { namespace, name: RELEASE },
  spec: {
    source: { git: { url: source.url } },
    path: one.path,
    interval: '1h',
    ...choiceOf(one),
  } as GitSync['spec'],
});

const choiceOf = (one: Case): Partial<GitSync['spec']> => {
  if (one.kind === 'plain') return { render: { plain: {} }, ignore: ignoreFor(one) };
  if (one.kind === 'helm' && one.values !== undefined)
    return { render: { helm: { valuesFiles: [one.values] } } } as Partial<GitSync['spec']>;
  return {};
};

/** All that the folder has, but for its own manifests: those of folders below are cases of their own. */
export const ignoreFor = ({ path, files, others }: Extract<Case, { kind: 'plain' }>): string => {
  const folder = path === '.' ? '' : escaped(`/${path}`);
  const at = (name: string): string => `${folder}/${escaped(name)}`;
  const rest =
    others.length < files.length ? others.map(at) : [`${folder}/*.*`, ...files.map((file) => `!${at(file)}`)];
  return [`${folder}/*/`, ...rest].join('\n');
};

const escaped = (path: string): string => path.replaceAll(/[\\*?[\]]/g, '\\$&');

interface Ready {
  status: string;
  reason: string;
  message: string;
}

const readyOf = (sync: GitSync): Ready => {
  const { status, reason, message } = sync.status?.conditions?.find(({ type }) => type === 'Ready') ?? {};
  return { status: status ?? 'Unknown', reason: reason ?? '', message: message ?? '' };
};

/** What a loaded machine may have caused: metricops tries it again. */
const MAY_PASS = new Set(['HelmFailed', 'KustomizeFailed', 'ManifestTooLarge', 'ReconciliationFailed']);
const PASSES_MS = 90_000;

/** A hook, or a wave, waits for something. */
const WAITS = 'Progressing';
/** For the same thing: nothing here does it. */
const STUCK_MS = 45_000;

/** As metricops left it; an answer that may pass counts at once only where it is expected. */
const settled = (plane: Plane, namespace: string, isRefused: boolean): Promise<GitSync> => {
  const since = Date.now();
  let last: GitSync | undefined;
  let said = { message: '', at: since };
  return waitFor(
    `a GitSync in ${namespace}`,
    async () => {
      last = await plane.client.get<GitSync>(resources.gitSyncs, { namespace, name: RELEASE });
      if (!last) return undefined;
      const { status, reason, message } = readyOf(last);
      if (status === 'True') return last;
      if (message !== said.message) said = { message, at: Date.now() };
      const isStuck = Date.now() - said.at > STUCK_MS;
      if (reason === WAITS) await runPods(plane);
      if (reason === WAITS) return isStuck ? last : undefined;
      const mayPass = !isRefused && MAY_PASS.has(reason) && Date.now() - since < PASSES_MS;
      return status === 'False' && !mayPass ? last : undefined;
    },
    { timeoutMs: 600_000, explain: () => (last ? JSON.stringify(readyOf(last)) : '') },
  );
};

/** Nothing was applied: what was rendered is refused as a whole, or nothing could be rendered. */
const isRefusal = ({ status, reason }: Ready): boolean => status === 'False' && reason !== 'ObjectRejected';

const ofRefused = (outcome: Outcome, said: string, ready: Ready, objects: number): Outcome => {
  if (ready.status === 'False' && objects === 0) {
    const isIncomplete = /missing in charts\/ directory/.test(said);
    const why = isIncomplete ? 'its dependencies are not in the folder' : `both: ${said}`;
    return { ...outcome, verdict: isIncomplete ? 'skipped' : 'refused', why: [why] };
  }
  const words = `metricops applies ${objects} objects of what ${outcome.kind} itself refuses: ${said}`;
  return { ...outcome, verdict: 'differs', why: [words] };
};

const saidBy = (ready: Ready, applied: Said | undefined): string[] => [
  `metricops: Ready ${ready.status} ${ready.reason}: ${ready.message}`,
  ...(applied && !applied.ok ? [`kubectl: ${applied.stderr.trim()}`] : []),
];
