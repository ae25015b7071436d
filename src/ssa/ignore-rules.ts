import type { GitSync, IgnoreRule } from '../api/gitsync.ts';
import { groupOf, type KubeObject } from '../api/meta.ts';

/** What of an object belongs to others. */
export interface IgnoreFields {
  /** JSON pointers (RFC 6901), `*` for every item of a list. */
  fields: readonly string[];
  /** Field managers. */
  managers: readonly string[];
}

export const REPLICAS = '/spec/replicas';

/** The rules of spec.ignoreDifferences that match the object, and its replicas where an autoscaler sets them. */
export const ignoreRulesFor = ({ spec }: GitSync, object: KubeObject, scaled: boolean): IgnoreFields => {
  const matching = spec.ignoreDifferences.filter((rule) => matches(rule, object));
  return {
    fields: [...matching.flatMap((rule) => rule.jsonPointers), ...(scaled ? [REPLICAS] : [])],
    managers: matching.flatMap((rule) => rule.managedFieldsManagers),
  };
};

/** Whether other rules match the object now than those of before. */
export const ignoreRulesChanged = (
  before: readonly IgnoreRule[],
  now: readonly IgnoreRule[],
  object: KubeObject,
): boolean => {
  const matching = (rules: readonly IgnoreRule[]): string => JSON.stringify(rules.filter((r) => matches(r, object)));
  return matching(before) !== matching(now);
};

const matches = (rule: IgnoreRule, { apiVersion, kind, metadata }: KubeObject): boolean =>
  (rule.group === undefined || rule.group === groupOf(apiVersion)) &&
  (rule.kind === undefined || rule.kind === kind) &&
  (rule.namespace === undefined || rule.namespace === metadata.namespace) &&
  (rule.name === undefined || rule.name === metadata.name);
