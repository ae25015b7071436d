import type { PatchOperation } from '../../webhook/json-patch.ts';

type Tree = Record<string, unknown> | unknown[];

/** Applies what the webhook emits: the tests' own reading of RFC 6902. */
export const applyPatch = <T>(document: T, patch: readonly PatchOperation[]): T => {
  const root = { document: structuredClone(document) };
  for (const { op, path, value } of patch) {
    const members = path
      .split('/')
      .slice(1)
      .map((m) => m.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = members.pop() ?? '';
    const parent = members.reduce<Tree>((at, member) => {
      const next = (at as Record<string, unknown>)[member];
      if (typeof next !== 'object' || next === null) throw new Error(`no ${member} on the way of ${path}`);
      return next as Tree;
    }, root.document as Tree);
    if (Array.isArray(parent)) {
      if (op !== 'add') throw new Error(`${op} on a list`);
      if (last === '-') parent.push(structuredClone(value));
      else parent.splice(Number(last), 0, structuredClone(value));
    } else if (op === 'remove') {
      if (!(last in parent)) throw new Error(`no ${path} to remove`);
      delete parent[last];
    } else parent[last] = structuredClone(value);
  }
  return root.document;
};
