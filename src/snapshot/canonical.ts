import { createHash } from 'node:crypto';
import { writeJson } from '../json.ts';

/** JSON with sorted keys and without null or undefined members: one text for one meaning. Arrays keep their order. */
export const canonical = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return writeJson(value ?? null);
  let text = '';
  const add = (member: string): void => {
    text += text === '' ? member : `,${member}`;
  };
  if (Array.isArray(value)) {
    for (const item of value) add(canonical(item ?? null));
    return `[${text}]`;
  }
  for (const [key, member] of Object.entries(value).sort(byKey)) {
    if (member !== undefined && member !== null) add(`${writeJson(key)}:${canonical(member)}`);
  }
  return `{${text}}`;
};

/** By UTF-16 units, in every locale. */
const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0);

/** Lower-case hex SHA-256 of the canonical form. */
export const hashOf = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex');
