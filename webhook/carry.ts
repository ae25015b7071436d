import { annotations } from '../src/api/annotations.ts';
import { type PatchOperation, pointer, setMembers } from './json-patch.ts';

/** A Deployment, StatefulSet or DaemonSet, as far as the opt-in goes. */
export interface AdmittedWorkload {
  metadata?: { annotations?: Record<string, string> };
  spec?: { template?: { metadata?: { annotations?: Record<string, string> } | null } };
}

const TEMPLATE = '/spec/template/metadata';

/**
 * Carries `kubectl annotate deployment web metricops.dev/inject=true` into the pod template, changes and removal too.
 * A template that says something else than the workload did is a word of its own, and wins.
 *
 * @param before the object as it was; undefined on CREATE
 */
export const carryPatch = (workload: AdmittedWorkload, before: AdmittedWorkload | undefined): PatchOperation[] => {
  const metadata = workload.spec?.template?.metadata ?? undefined;
  const existing = metadata?.annotations;
  const template = existing?.[annotations.inject];
  const now = said(workload);
  const was = before === undefined ? undefined : said(before);
  const wasCarried = template !== undefined && template === was;

  if (now === undefined) {
    return wasCarried ? [{ op: 'remove', path: `${TEMPLATE}/annotations${pointer(annotations.inject)}` }] : [];
  }
  if (template === now || (template !== undefined && !wasCarried)) return [];
  const value = { [annotations.inject]: now };
  if (metadata === undefined) return [{ op: 'add', path: TEMPLATE, value: { annotations: value } }];
  return setMembers(`${TEMPLATE}/annotations`, existing, value);
};

const said = (workload: AdmittedWorkload): 'true' | 'false' | undefined => {
  const value = workload.metadata?.annotations?.[annotations.inject];
  return value === 'true' || value === 'false' ? value : undefined;
};
