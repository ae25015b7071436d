import { z } from 'zod';

/**
 * An object of which exactly one member is set, as Kubernetes writes unions (`source: {git: {…}}`): another member can
 * come later without changing what is there. The members are optional in the schema; CEL and zod refuse none and two.
 */
export const oneOf = <Members extends Record<string, z.ZodType>>(members: Members) => {
  const names = Object.keys(members);
  const message = names.length > 1 ? `set exactly one of ${listed(names)}` : `set ${names[0]}`;
  const rule = names.map((name) => `(has(self.${name}) ? 1 : 0)`).join(' + ');
  return z
    .strictObject(members)
    .refine((value) => Object.values(value).filter((member) => member !== undefined).length === 1, message)
    .meta({ 'x-kubernetes-validations': [{ rule: `${rule} == 1`, message }] });
};

const listed = (names: readonly string[]): string => `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
