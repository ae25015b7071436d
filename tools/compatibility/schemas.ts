import type { StructuralSchema } from '../../src/api/structural.ts';

/** A kind as an installed version serves it. */
export interface ServedKind {
  /** plural.group */
  name: string;
  scope: string;
  kind: string;
  /** Schemas of whole objects, by version of the API. */
  versions: Map<string, { schema: StructuralSchema; hasStatus: boolean }>;
}

interface Definition {
  metadata: { name: string };
  spec: Record<string, unknown>;
}

/** What a CustomResourceDefinition serves. */
export const servedKind = ({ metadata, spec }: Definition): ServedKind => {
  const { scope, names, versions } = spec as unknown as DefinitionSpec;
  const served = versions.filter((version) => version.served);
  return {
    name: metadata.name,
    scope,
    kind: names.kind,
    versions: new Map(
      served.map(({ name, schema, subresources }) => [
        name,
        { schema: schema.openAPIV3Schema, hasStatus: subresources?.status !== undefined },
      ]),
    ),
  };
};

interface DefinitionSpec {
  scope: string;
  names: { kind: string };
  versions: {
    name: string;
    served: boolean;
    schema: { openAPIV3Schema: StructuralSchema };
    subresources?: { status?: object };
  }[];
}

/**
 * What would break for objects and manifests of an older version where today's kinds are served instead: each as a
 * sentence that begins with the path of the field. CEL rules are not compared: what they refuse, stored objects show.
 */
export const breaksOfKind = (old: ServedKind, now: ServedKind | undefined): string[] => {
  if (!now) return [`${old.kind}: the kind is gone`];
  const scope = old.scope === now.scope ? [] : [`${old.kind}: the scope was ${old.scope}, and is ${now.scope}`];
  const versions = [...old.versions].flatMap(([version, { schema, hasStatus }]) => {
    const path = `${old.kind} ${version}`;
    const today = now.versions.get(version);
    if (!today) return [`${path}: the version is no longer served`];
    const status = hasStatus && !today.hasStatus ? [`${path}: the subresource status is gone`] : [];
    return [...status, ...breaksOf(schema, today.schema, path)];
  });
  return [...scope, ...versions];
};

/** The same of one field and all below it. */
export const breaksOf = (old: StructuralSchema, now: StructuralSchema, path: string): string[] => {
  if (isOpen(old) && !isOpen(now)) return [`${path}: held any fields, and now only those of its schema`];
  if (isOpen(now)) return [];
  if (old.type !== now.type) return [`${path}: the type was ${old.type}, and is ${now.type}`];
  return [...values(old, now, path), ...limits(old, now, path), ...fields(old, now, path), ...members(old, now, path)];
};

const isOpen = (schema: StructuralSchema): boolean => schema['x-kubernetes-preserve-unknown-fields'] === true;

const values = (old: StructuralSchema, now: StructuralSchema, path: string): string[] => {
  const changed = SAME.filter((keyword) => now[keyword] !== undefined || keyword !== 'format')
    .filter((keyword) => JSON.stringify(old[keyword]) !== JSON.stringify(now[keyword]))
    .map((keyword) => `${path}: ${keyword} was ${said(old[keyword])}, and is ${said(now[keyword])}`);
  if (now.enum === undefined) return changed;
  if (old.enum === undefined) return [...changed, `${path}: took every value, and now only ${said(now.enum)}`];
  const gone = old.enum.filter((value) => !now.enum?.includes(value));
  return gone.length === 0 ? changed : [...changed, `${path}: no longer takes ${gone.map(said).join(', ')}`];
};

/** A pattern that is gone lets more pass; the kind of a list says who owns its items. */
const SAME = ['format', 'x-kubernetes-list-type', 'x-kubernetes-list-map-keys'];

const limits = (old: StructuralSchema, now: StructuralSchema, path: string): string[] => {
  const narrower = ([keyword, isNarrower]: (typeof LIMITS)[number]): string[] => {
    const [before, today] = [old[keyword], now[keyword]];
    if (typeof today !== 'number' || (typeof before === 'number' && !isNarrower(before, today))) return [];
    return [`${path}: ${keyword} was ${said(before)}, and is ${today}`];
  };
  const pattern =
    now.pattern === undefined || now.pattern === old.pattern
      ? []
      : [`${path}: pattern was ${said(old.pattern)}, and is ${said(now.pattern)}`];
  return [...LIMITS.flatMap(narrower), ...pattern];
};

const isLess = (before: number, today: number): boolean => today < before;
const isMore = (before: number, today: number): boolean => today > before;
const LIMITS = [
  ['maxLength', isLess],
  ['maxItems', isLess],
  ['maximum', isLess],
  ['minLength', isMore],
  ['minItems', isMore],
  ['minimum', isMore],
] as const;

const fields = (old: StructuralSchema, now: StructuralSchema, path: string): string[] => {
  const required = (now.required ?? [])
    .filter((name) => !old.required?.includes(name))
    .map((name) => `${path}.${name}: is required, and was not`);
  const kept = Object.entries(old.properties ?? {}).flatMap(([name, field]) => {
    const today = now.properties?.[name];
    return today ? breaksOf(field, today, `${path}.${name}`) : [`${path}.${name}: the field is gone`];
  });
  return [...required, ...kept];
};

const members = (old: StructuralSchema, now: StructuralSchema, path: string): string[] => {
  const items = old.items && now.items ? breaksOf(old.items, now.items, `${path}[]`) : [];
  if (!old.additionalProperties) return items;
  if (!now.additionalProperties) return [...items, `${path}: took any names, and now only those of its schema`];
  return [...items, ...breaksOf(old.additionalProperties, now.additionalProperties, `${path}.*`)];
};

const said = (value: unknown): string => (value === undefined ? 'not set' : JSON.stringify(value));
