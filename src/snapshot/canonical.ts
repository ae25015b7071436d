import { createHash } from 'node:crypto';
import { writeJson } from '../json.ts';

/** JSON with sorted keys and without null or undefined members: one text for one meaning. Arrays keep their order. */
export const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item ?? null)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined && member !== null)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
    return `{${members.join(',')}}`;
  }
  return writeJson(value ?? null);
};

/** Lower-case hex SHA-256 of the canonical form. */
export const hashOf = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex');
