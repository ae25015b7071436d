import { applyRuleOf } from '../../api/apply-rule.ts';
import type { DriftEntry, GitSync } from '../../api/gitsync.ts';
import { managerOf } from '../../api/gitsync-names.ts';
import { type KubeObject, keyOf, keyString } from '../../api/meta.ts';
import type { Clock } from '../../clock.ts';
import { apiVersionOf, isConflict, type KubeClient, KubeError, type ResourceType } from '../../kube/index.ts';
import { writerOf } from '../../policy/writer.ts';
import { differenceOf, missing } from '../../ssa/diff.ts';
import { type IgnoreFields, ignoreRulesFor } from '../../ssa/ignore-rules.ts';
import { withoutHandEdits } from '../../ssa/managed-fields.ts';
import { withoutAdditions, withoutIgnored } from '../../ssa/release-fields.ts';
import { replaceManagedFields } from '../../ssa/replace-managed-fields.ts';
import type { Metrics } from '../../telemetry/index.ts';
import type { PlannedObject } from '../plan/types.ts';
import type { Autoscaled } from './autoscaled.ts';
import { deleteToRecreate } from './force-replace.ts';

export interface SendPorts {
  client: KubeClient;
  clock: Clock;
  scaled: Autoscaled;
  metrics: Metrics;
  /** Aborted when this process may no longer write. */
  signal: AbortSignal;
}

/** One server-side apply of a prepared object, without the fields that belong to others. */
export const send = async (
  sync: GitSync,
  type: ResourceType,
  prepared: KubeObject,
  { drifted, all, force }: { drifted: boolean; all: readonly PlannedObject[]; force: boolean },
  ports: SendPorts,
): Promise<{ result: KubeObject; corrected: DriftEntry | undefined }> => {
  const { client, metrics } = ports;
  const writer = writerOf(sync, client);
  const manager = managerOf(sync);
  const rules = ignoreRulesFor(sync, prepared, ports.scaled.isScaled(prepared, all));
  const yields = rules.fields.length + rules.managers.length > 0;
  const live = drifted || yields ? await client.get(type, prepared.metadata) : undefined;
  const taken = drifted && live ? await takeEdits(sync, type, live, rules.managers, { client, writer }) : live;
  const object = yields && taken ? await letGo(sync, type, prepared, taken, { rules, client, writer }) : prepared;
  const isEditedByHand = async (): Promise<boolean> => {
    const now = await client.get(type, prepared.metadata);
    return now !== undefined && handEditsOf(sync, type, now, rules.managers) !== undefined;
  };
  try {
    const result = await writer.apply(type, object, { fieldManager: manager, force });
    metrics.applied.inc({ result: 'applied' });
    // Edited while nobody watched: seen only now, in the answer.
    if (!drifted && force && handEditsOf(sync, type, result, rules.managers)) {
      return send(sync, type, prepared, { all, force, drifted: true }, ports);
    }
    if (!drifted || live?.metadata.resourceVersion === result.metadata.resourceVersion) {
      return { result, corrected: undefined };
    }
    metrics.driftCorrections.inc();
    return { result, corrected: live ? differenceOf(result, live, manager) : missing(keyString(keyOf(prepared))) };
  } catch (error) {
    metrics.applied.inc({ result: 'rejected' });
    if (!(error instanceof KubeError && error.status === 422)) throw error;
    // An item that somebody added by hand may be what makes it invalid: a port of the same name, for example.
    if (!drifted && force && (await isEditedByHand()))
      return send(sync, type, prepared, { all, force, drifted: true }, ports);
    if (applyRuleOf(prepared) !== 'ForceReplace') throw error;
    await deleteToRecreate(type, prepared, { ...ports, writer });
    return { result: await writer.apply(type, prepared, { fieldManager: manager, force: true }), corrected: undefined };
  }
};

const handEditsOf = (sync: GitSync, type: ResourceType, live: KubeObject, except: readonly string[]) =>
  withoutHandEdits(live, { manager: managerOf(sync), apiVersion: apiVersionOf(type) }, except);

/** An apply alone would leave what somebody added by hand, to a list for example: it owns none of it. */
const takeEdits = async (
  sync: GitSync,
  type: ResourceType,
  first: KubeObject,
  except: readonly string[],
  { client, writer }: { client: KubeClient; writer: KubeClient },
): Promise<KubeObject> => {
  let live = first;
  for (let tries = 1; ; tries += 1) {
    const entries = handEditsOf(sync, type, live, except);
    if (!entries) return live;
    try {
      return await replaceManagedFields(writer, type, live, entries);
    } catch (error) {
      if (!isConflict(error) || tries >= TRIES) throw error;
      const newer = await client.get(type, first.metadata); // a controller wrote its status meanwhile
      if (!newer) return live;
      live = newer;
    }
  }
};

const TRIES = 3;

/** The object without what belongs to others, none of which is ours any more when this resolves. */
const letGo = async (
  sync: GitSync,
  type: ResourceType,
  prepared: KubeObject,
  first: KubeObject,
  { rules, client, writer }: { rules: IgnoreFields; client: KubeClient; writer: KubeClient },
): Promise<KubeObject> => {
  let live: KubeObject | undefined = first;
  for (let tries = 1; live; tries += 1) {
    const { object, letGo: entries } = withoutIgnored(prepared, live, rules, managerOf(sync));
    if (!entries) return object;
    try {
      await replaceManagedFields(writer, type, live, entries);
      return object;
    } catch (error) {
      if (!isConflict(error) || tries >= TRIES) throw error;
      live = await client.get(type, prepared.metadata); // somebody scaled it meanwhile
    }
  }
  return prepared;
};

/** What an apply would change, asked with a dry run; `seen` is the object as it is. */
export const compare = async (
  sync: GitSync,
  type: ResourceType,
  prepared: KubeObject,
  all: readonly PlannedObject[],
  { client, scaled }: SendPorts,
): Promise<{ difference: DriftEntry | undefined; seen: KubeObject | undefined }> => {
  const seen = await client.get(type, prepared.metadata);
  if (!seen) return { difference: missing(keyString(keyOf(prepared))), seen };
  const manager = managerOf(sync);
  const rules = ignoreRulesFor(sync, prepared, scaled.isScaled(prepared, all));
  const { object, letGo: entries } = withoutIgnored(prepared, seen, rules, manager);
  // Nothing is let go of for a question: left out, it would look removed.
  const asked = entries ? prepared : object;
  const options = { fieldManager: manager, force: true, dryRun: true };
  const applied = await writerOf(sync, client).apply(type, asked, options);
  return { difference: differenceOf(withoutAdditions(applied, rules), seen, manager), seen };
};
