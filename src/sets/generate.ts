import { API_VERSION, annotations } from '../api/annotations.ts';
import { gitSyncSpec } from '../api/gitsync.ts';
import type { Generator, GitSyncSet } from '../api/gitsyncset.ts';
import { hashOf } from '../snapshot/index.ts';
import { withDefaults } from './defaults.ts';
import { type Entry, entriesOf } from './entries.ts';
import { dnsLabel } from './names.ts';
import { ownerReferences, setLabels } from './ownership.ts';
import { fill } from './placeholders.ts';
import { type Generated, type GeneratedSync, type GeneratorInputs, idOf, type SetProblem } from './types.ts';

/** A repository is hostile input, and so is a pattern by mistake: `*` over a million folders. */
export const MAX_SYNCS = 10_000;

/**
 * The GitSyncs that a set asks for. One that can't be made is a problem and stops none of the others; the order is that
 * of the generators. Pure: the same set and inputs give the same GitSyncs.
 */
export const generate = (set: GitSyncSet, inputs: GeneratorInputs): Generated => {
  const parts = set.spec.generators.map((generator, i) => {
    const found = inputs.found[i] ?? {};
    const problem = found.problem ?? refusalOf(set, generator, inputs);
    return problem ? { entries: [], problems: [problem] } : { entries: entriesOf(set, generator, found), problems: [] };
  });
  const entries = parts.flatMap((part) => part.entries);
  if (entries.length > MAX_SYNCS) {
    const message = `${entries.length} GitSyncs would be made; one GitSyncSet makes at most ${MAX_SYNCS}`;
    return { syncs: [], problems: [{ reason: 'TooManyGenerated', message }] };
  }
  const syncs: GeneratedSync[] = [];
  const problems: SetProblem[] = parts.flatMap((part) => part.problems);
  const named: Named[] = [];
  for (const entry of entries) {
    const made = nameOf(set, entry);
    if ('reason' in made) problems.push(made);
    else named.push(made);
  }
  for (const [first, second] of Map.groupBy(named, idOf).values()) {
    if (!first) continue;
    const made = second ? collisionOf(first, second) : syncOf(set, first);
    if ('metadata' in made) syncs.push(made);
    else problems.push(made);
  }
  return { syncs, problems };
};

const refusalOf = (
  { metadata }: GitSyncSet,
  { namespaces }: Generator,
  { systemNamespace }: GeneratorInputs,
): SetProblem | undefined => {
  if (!namespaces || metadata.namespace === systemNamespace) return undefined;
  const message = `only a GitSyncSet in namespace ${systemNamespace} makes GitSyncs in other namespaces; use list or folders here`;
  return { reason: 'NamespaceRefused', message };
};

interface Named {
  namespace: string;
  name: string;
  entry: Entry;
}

const nameOf = ({ spec }: GitSyncSet, entry: Entry): Named | SetProblem => {
  const { filled, problems } = fill(spec.template.metadata.name, entry.values);
  const name = dnsLabel(filled);
  if (problems.length === 0 && name !== '') return { namespace: entry.namespace, name, entry };
  const why = problems.length > 0 ? problems.join('; ') : `${JSON.stringify(filled)} has neither letter nor digit`;
  return { reason: 'InvalidTemplate', message: `${entry.what}: template.metadata.name: ${why}` };
};

const collisionOf = ({ namespace, name, entry }: Named, other: Named): SetProblem => ({
  reason: 'NameCollision',
  message: `${entry.what} and ${other.entry.what} both make GitSync ${namespace}/${name}`,
  sync: { namespace, name },
});

const syncOf = (set: GitSyncSet, { namespace, name, entry }: Named): GeneratedSync | SetProblem => {
  const { metadata, spec: wanted } = set.spec.template;
  const { labels, annotations: notes } = metadata;
  const { filled, problems } = fill({ labels, notes, wanted }, entry.values);
  const spec = withDefaults(filled.wanted, entry.defaults);
  // A placeholder that nothing stands for leaves a gap; what is wrong with the gap helps nobody.
  const why = problems.length > 0 ? problems : invalidities(spec);
  if (why.length > 0) {
    const message = `GitSync ${namespace}/${name} (${entry.what}): ${why.join('; ')}`;
    return { reason: 'InvalidTemplate', message, sync: { namespace, name } };
  }
  const sync = {
    apiVersion: API_VERSION,
    kind: 'GitSync',
    metadata: {
      namespace,
      name,
      labels: { ...filled.labels, ...setLabels(set, namespace) },
      annotations: filled.notes,
      ...ownerReferences(set, namespace),
    },
    spec,
  };
  const stamped = { ...sync.metadata.annotations, [annotations.setHash]: hashOf(sync) };
  return { ...sync, metadata: { ...sync.metadata, annotations: stamped } };
};

const invalidities = (spec: unknown): string[] =>
  (gitSyncSpec.safeParse(spec).error?.issues ?? []).map(
    ({ path, message }) => `${['spec', ...path].join('.')}: ${message}`,
  );
