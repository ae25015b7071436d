import type { SourceSpec } from '../api/source.ts';
import { gitMember } from './git.ts';
import type { Reader, Source, SourceMember, SourcePorts } from './types.ts';

/** Every member of spec.source, and how it is read. */
const members: { [Name in keyof SourceSpec]-?: SourceMember<NonNullable<SourceSpec[Name]>> } = { git: gitMember };

/** A source as somebody wrote it; its member is chosen. */
export interface WrittenSource {
  /** Equal for two that one answer serves. */
  identity(namespace: string): string;
  /** Names of the Secrets that it needs. */
  secrets(): readonly string[];
  /** With its credentials, ready to be asked. Rejects with ReasonError. */
  connect(reader: Reader, ports: SourcePorts): Promise<Source>;
}

const bind = <Name extends keyof SourceSpec>(source: SourceSpec, name: Name): WrittenSource | undefined => {
  const member = members[name];
  const spec = source[name];
  return spec
    ? {
        identity: (namespace) => member.identity(spec, namespace),
        secrets: () => member.secrets(spec),
        connect: (reader, ports) => member.connect(spec, reader, ports),
      }
    : undefined;
};

/** Throws TypeError for an object that the schema would refuse. */
export const writtenSource = (source: SourceSpec): WrittenSource => {
  for (const name of Object.keys(members) as (keyof SourceSpec)[]) {
    const bound = bind(source, name);
    if (bound) return bound;
  }
  throw new TypeError('spec.source has no member');
};
