import { createHash } from 'node:crypto';
import { writeJson } from '../json.ts';

/** JSON with sorted keys and without null or undefined members: one text for one meaning. Arrays keep their order. */
export const canonical = (value: unknown): string => {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return writeJson(value ?? null);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  let text = '';
  // Sorted by UTF-16 units, in every locale.
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key];
    if (member === undefined || member === null) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonical(member)}`;
  }
  return `{${text}}`;
};

/** Lower-case hex SHA-256 of the canonical form. */
export const hashOf = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex');
