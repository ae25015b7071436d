/** RFC 6902, as far as the API server is asked to. */
export interface PatchOperation {
  op: 'add' | 'replace' | 'remove';
  path: string;
  value?: unknown;
}

/** One member of a path: `~` and `/` escaped. */
export const pointer = (...members: string[]): string =>
  members.map((member) => `/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** Sets members of a map that may not exist yet. */
export const setMembers = (
  path: string,
  existing: Record<string, string> | undefined,
  members: Record<string, string>,
): PatchOperation[] => {
  if (existing === undefined) return [{ op: 'add', path, value: members }];
  return Object.entries(members)
    .filter(([name, value]) => existing[name] !== value)
    .map(([name, value]) => ({ op: 'add', path: `${path}${pointer(name)}`, value }));
};

/** Appends to a list that may not exist yet. */
export const append = (path: string, existing: readonly unknown[] | undefined, value: unknown): PatchOperation =>
  existing === undefined ? { op: 'add', path, value: [value] } : { op: 'add', path: `${path}/-`, value };
