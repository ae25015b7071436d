import { isRecord } from '../ssa/field-set.ts';
import type { Entry } from './entries.ts';

/** The template's spec, with what it leaves out as the generator has it. */
export const withDefaults = (spec: Record<string, unknown>, { source, path }: Entry['defaults']) => ({
  ...(source && { source }),
  ...(path !== undefined && { path }),
  ...spec,
  ...(source && isRecord(spec.source) && { source: withGit(spec.source, source.git) }),
});

/** Credentials go to no other repository than the one that they were given for: a url of its own inherits nothing. */
const withGit = (own: Record<string, unknown>, inherited: object | undefined): Record<string, unknown> =>
  isRecord(own.git) && own.git.url === undefined ? { ...own, git: { ...inherited, ...own.git } } : own;
