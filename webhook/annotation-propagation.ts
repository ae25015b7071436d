import { switchOf } from '../src/api/annotation-values.ts';
import { annotations } from '../src/api/annotations.ts';
import { type PatchOperation, pointer, setMembers } from './json-patch.ts';

/** A Deployment, StatefulSet or DaemonSet, as far as the opt-in goes. */
export interface AdmittedWorkload {
  metadata?: { annotations?: Record<string, string>; managedFields?: ManagedFields[] };
  spec?: { template?: { metadata?: { annotations?: Record<string, string> } | null } };
}

export interface ManagedFields {
  manager?: string;
  operation?: string;
  fieldsV1?: Record<string, unknown>;
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
  const wasCarried = template !== undefined && template === was && !isOwnWord(before);

  if (now === undefined) {
    return wasCarried ? [{ op: 'remove', path: `${TEMPLATE}/annotations${pointer(annotations.inject)}` }] : [];
  }
  if (template === now || (template !== undefined && !wasCarried)) return [];
  const value = { [annotations.inject]: now };
  if (metadata === undefined) return [{ op: 'add', path: TEMPLATE, value: { annotations: value } }];
  return setMembers(`${TEMPLATE}/annotations`, existing, value);
};

/**
 * Whether somebody wrote the template's annotation who did not write the workload's, or who applies it (Flux, Argo CD,
 * kubectl --server-side: what admission adds to an apply belongs to no applier). Then it was not carried, and taking it
 * away would start a rollout that the owner's next apply undoes by another.
 */
const isOwnWord = (before: AdmittedWorkload | undefined): boolean =>
  (before?.metadata?.managedFields ?? []).some(
    ({ operation, fieldsV1 }) =>
      owns(fieldsV1, ['spec', 'template', 'metadata', 'annotations', annotations.inject]) &&
      (operation === 'Apply' || !owns(fieldsV1, ['metadata', 'annotations', annotations.inject])),
  );

/** https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management */
const owns = (fields: unknown, path: readonly string[]): boolean => {
  let at = fields;
  for (const member of path) at = (at as Record<string, unknown> | null | undefined)?.[`f:${member}`];
  return at !== undefined;
};

const said = (workload: AdmittedWorkload): 'true' | 'false' | undefined => {
  const isOn = switchOf(workload.metadata, annotations.inject);
  return isOn === undefined ? undefined : isOn ? 'true' : 'false';
};
