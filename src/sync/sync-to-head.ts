import type { GitSync } from '../api/gitsync.ts';
import { keyOfSync } from '../api/gitsync-names.ts';
import { parseKey } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import { KubeError } from '../kube/index.ts';
import type { Release, Rendered } from '../render/index.ts';
import { type Head, type Sources, sourceKey } from '../source/heads.ts';
import type { Log } from '../telemetry/index.ts';
import { type ApplyRenderedPorts, applyRendered, type Target } from './apply-rendered.ts';
import { pollUnwatched } from './drift/unwatched.ts';
import { waitForHealth } from './health-gate.ts';
import { versionIn } from './hooks/run.ts';
import { fingerprintOf, hasNothingNew, namespacesIn } from './nothing-new.ts';
import type { DecryptionReader } from './render/decryption.ts';
import type { WithRender } from './render/large.ts';
import { renderSync, type SourcePorts } from './render/manifests.ts';
import type { Releases } from './render/releases.ts';
import { isOfTheCommit, unlessUnrenderable } from './render/unrenderable.ts';
import type { VariablesReader } from './render/variables.ts';
import { type ResumePorts, resume } from './resume.ts';
import { recallHooks } from './state/hook-run.ts';
import { type Planned, type SyncState, versionOf } from './state/sync-state.ts';
import type { AppliedOutcome, SyncOutcome } from './status/outcome.ts';

export interface HeadPorts
  extends SourcePorts,
    ApplyRenderedPorts,
    Omit<ResumePorts, 'handover' | 'holdController' | 'namespaces' | 'scaled'> {
  sources: Sources;
  variables: Pick<VariablesReader, 'of'>;
  decryption: Pick<DecryptionReader, 'of'>;
  releases: Releases;
  withRender: WithRender;
  log: Log;
}

/**
 * The cluster made equal to where the ref stands, with rejected releases kept out.
 * @returns undefined while nobody knows where that is: the sync hears of it
 */
export const syncToHead = async (
  sync: GitSync,
  state: SyncState,
  ports: HeadPorts,
): Promise<SyncOutcome | undefined> => {
  delete state.hooksAgainInMs;
  const head = ports.sources.head(sync);
  if (head === undefined) {
    ports.sources.refresh(sync, { tell: true });
    return undefined;
  }
  let hasInputs = false;
  try {
    if (head instanceof Error) throw head;
    // Those of before stay in service for drift where they can't be read.
    if (!(await readInputs(sync, state, ports, ports.releases.of))) return undefined;
    hasInputs = true;
    const outcome = await syncTo(head, sync, state, ports);
    return isBeforeApply(outcome) ? withKept(outcome, head, await keepLast(head, sync, state, ports)) : outcome;
  } catch (error) {
    const failure = failureOf(error);
    if (!failure) throw error;
    if (failure.permanent && !(head instanceof Error)) ports.handover.stuck(sync, head.id);
    // What was applied last is kept against drift, whatever is wrong with the newest commit or with the server.
    const isAway = head instanceof Error || (!hasInputs && sync.status?.appliedChart !== undefined);
    const kept = await keepLast(isAway ? undefined : head, sync, state, ports);
    return head instanceof Error ? failure : withKept(failure, head, kept);
  }
};

/** A hook of the newest commit comes before all else of it. */
const isBeforeApply = (outcome: SyncOutcome): boolean => 'of' in outcome && outcome.of?.kind === 'attempted';

/**
 * What was applied last stays as it was, whatever the newest commit waits for or fails of: against drift, and with releases
 * held that were not before.
 * @param head what was tried; undefined where nobody answered
 * @returns what was done for it, if anything
 */
const keepLast = async (
  head: Head | undefined,
  ...[sync, state, ports]: Parameters<typeof syncToHead>
): Promise<AppliedOutcome | undefined> => {
  try {
    const kept = state.planned ? keepPlanned(state.planned, sync, state, ports) : syncToLast(head, sync, state, ports);
    return appliedIn(await kept);
  } catch (err) {
    ports.log.warn({ err, sync: keyOfSync(sync) }, 'drift correction failed');
    return undefined;
  }
};

const appliedIn = (outcome: SyncOutcome | undefined): AppliedOutcome | undefined => {
  if (outcome?.kind === 'applied') return outcome;
  return outcome && 'of' in outcome ? appliedIn(outcome.of) : undefined;
};

const withKept = (
  outcome: SyncOutcome,
  { id: commit, revision }: Head,
  kept: AppliedOutcome | undefined,
): SyncOutcome =>
  kept && (outcome.kind === 'failed' || outcome.kind === 'waiting')
    ? { ...outcome, of: { kind: 'attempted', commit, revision, kept } }
    : outcome;

/** Where nobody says so, by the last render, of an earlier process too. */
const isChart = ({ spec, status }: GitSync, { release, resumed }: SyncState): boolean => {
  if (spec.render) return spec.render.helm !== undefined;
  return release !== undefined || (!resumed && status?.plannedFrom?.isChart === true);
};

/**
 * After a restart, or where a rollback went past the last plan: an earlier process left its files, and nobody watches its
 * objects.
 */
const syncToLast = async (
  head: Head | undefined,
  ...[sync, state, ports]: Parameters<typeof syncToHead>
): Promise<SyncOutcome | undefined> => {
  recallHooks(sync, state);
  const last = await ports.sources.before(sync);
  if (!last || last.id === head?.id) return undefined;
  if (!(await readInputs(sync, state, ports, ports.releases.before))) return undefined;
  if (isAnother(sync.status?.appliedVersion, last.id, sync, state)) return undefined;
  return syncTo({ ...last, isOver: true }, sync, state, ports);
};

/** With another spec or other values the same commit is another revision, whose hooks come first. */
const isAnother = (version: string | undefined, commit: string, sync: GitSync, state: SyncState): boolean =>
  !!state.hooks && version !== versionIn(sync, state, commit);

/**
 * What the objects are rendered from beside the commit, as it is now; as before where it can't be read.
 * @returns false while nobody knows which version of its chart is to be rendered: the sync hears of it
 */
const readInputs = async (
  sync: GitSync,
  state: SyncState,
  { variables, decryption }: Pick<HeadPorts, 'variables' | 'decryption'>,
  releaseOf: Releases['of'],
): Promise<boolean> => {
  const [read, keys] = [await variables.of(sync), await decryption.of(sync)];
  const release = isChart(sync, state) ? await releaseOf(sync) : undefined;
  if (isChart(sync, state) && !release) return false;
  state.variables = read;
  state.decryption = keys;
  state.release = release;
  return true;
};

const keepPlanned = async (
  planned: Planned,
  ...[sync, state, ports]: Parameters<typeof syncToHead>
): Promise<SyncOutcome | undefined> => {
  const { source, commit, version, fingerprint } = planned;
  const touched = namespacesIn([...state.inventory.keys()].map(parseKey));
  const isSame = version === versionIn(sync, state, commit);
  const isNews = isSame && fingerprint !== fingerprintOf(sync, state, touched, ports);
  if (state.drifted.size === 0 && !isNews) return undefined;
  // Nothing is rendered of a source that the sync no longer names, or not without a signature.
  if (source.identity !== sourceKey(sync) || isAnother(version, commit, sync, state)) return undefined;
  const revision = sync.status?.lastAppliedRevision ?? '';
  return syncTo({ source, id: commit, revision, isOver: true }, sync, state, ports);
};

const syncTo = async (at: Target, sync: GitSync, state: SyncState, ports: HeadPorts): Promise<SyncOutcome> => {
  recallHooks(sync, state);
  await resume(sync, state, at, ports);
  await pollUnwatched(sync, state, ports);
  if (hasNothingNew(sync, state, at, ports)) {
    const { id: commit, revision } = at;
    return waitForHealth(sync, state, { kind: 'unchanged', commit, revision }, ports);
  }
  const kept = ports.renderings.get(sync, versionOf(state, at.id));
  if (kept) return applyRendered(sync, state, { ...at, rendered: kept }, ports);
  return ports.withRender(
    sync.metadata.namespace ?? '',
    state.renderedBytes ?? 0,
    () => render(at, sync, state, ports),
    (rendered) => applyRendered(sync, state, { ...at, rendered }, ports),
  );
};

const render = async (
  { source, id: commit }: Target,
  sync: GitSync,
  state: SyncState,
  ports: HeadPorts,
): Promise<Rendered> => {
  const of = { version: versionOf(state, commit), policy: ports.policy() };
  // That a folder is a chart, and nobody said so, is found out by its first render.
  const release = async (): Promise<Release> => {
    state.release ??= await ports.releases.of(sync);
    if (state.release) return state.release.release;
    throw new TypeError('a chart of the source has no version that anybody waits for');
  };
  const { decryption, variables } = state;
  const from = { source, commit, decryption, variables: variables?.values, release, inventory: state.inventory.keys() };
  const rendered = await unlessUnrenderable(sync, state, of, () => renderSync(sync, from, ports));
  if (!rendered.hooks) delete state.release;
  state.renderedBytes = rendered.bytes;
  return rendered;
};

/** undefined for what nobody foresaw: that is the queue's to report. */
const failureOf = (error: unknown): (SyncOutcome & { kind: 'failed' }) | undefined => {
  if (error instanceof ReasonError) {
    return { kind: 'failed', reason: error.code, message: error.message, permanent: isOfTheCommit(error.code) };
  }
  if (error instanceof KubeError) {
    return { kind: 'failed', reason: 'ReconciliationFailed', message: error.message, permanent: false };
  }
  return undefined;
};
