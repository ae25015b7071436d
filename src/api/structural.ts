/** OpenAPI v3 as the API server takes it: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema */
export interface StructuralSchema {
  type: string;
  description?: string;
  properties?: Record<string, StructuralSchema>;
  required?: string[];
  items?: StructuralSchema;
  additionalProperties?: StructuralSchema;
  default?: unknown;
  enum?: unknown[];
  format?: string;
  'x-kubernetes-validations'?: { rule: string; message: string }[];
  [keyword: string]: unknown;
}

type Json = Record<string, unknown>;

/** Keywords that mean the same in both languages. */
const SAME = [
  'type',
  'description',
  'default',
  'enum',
  'required',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minimum',
  'maximum',
  'format',
];

/** Keywords that are translated below, or say nothing to an API server, which prunes unknown fields by itself. */
const TRANSLATED = [
  '$schema',
  'properties',
  'items',
  'additionalProperties',
  'propertyNames',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'const',
  'pattern',
  'patternMessage',
];

/**
 * JSON Schema (draft 2020-12, as zod writes it) → structural OpenAPI v3 schema. Throws on a keyword that it has no
 * translation for, so that no rule is lost between the types and the API server.
 */
export const structural = (schema: Json, path = '$'): StructuralSchema => {
  const out: Json = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (SAME.includes(keyword) || keyword.startsWith('x-kubernetes-')) out[keyword] = value;
    else if (!TRANSLATED.includes(keyword)) throw new Error(`${path}: no structural form of the keyword "${keyword}"`);
  }
  bounds(schema, out);
  pattern(schema, out);
  if (schema.const !== undefined) out.enum = [schema.const];
  children(schema, out, path);
  if (typeof out.type !== 'string') throw new Error(`${path}: a structural schema names one type everywhere`);
  return out as StructuralSchema;
};

const bounds = (schema: Json, out: Json): void => {
  if (schema.type === 'integer') {
    out.format = 'int64';
    // zod's own limits of a safe integer, not a rule of ours
    if (schema.maximum === Number.MAX_SAFE_INTEGER) delete out.maximum;
    if (schema.minimum === Number.MIN_SAFE_INTEGER) delete out.minimum;
  }
  for (const side of ['Minimum', 'Maximum'] as const) {
    const limit = schema[`exclusive${side}`];
    if (limit === undefined) continue;
    out[side.toLowerCase()] = limit;
    out[`exclusive${side}`] = true;
  }
};

/** A pattern whose schema says what to write instead becomes a CEL rule: "should match '^([0-9]+...'" helps nobody. */
const pattern = (schema: Json, out: Json): void => {
  if (typeof schema.pattern !== 'string' || schema.format === 'date-time') return;
  const expression = schema.pattern.replaceAll('\\/', '/');
  if (schema.patternMessage === undefined) {
    out.pattern = expression;
    return;
  }
  const rules = (out['x-kubernetes-validations'] ?? []) as unknown[];
  const rule = { rule: `self.matches(r'${expression}')`, message: schema.patternMessage };
  out['x-kubernetes-validations'] = [rule, ...rules];
};

const children = (schema: Json, out: Json, path: string): void => {
  if (schema.properties) {
    const entries = Object.entries(schema.properties as Record<string, Json>);
    out.properties = Object.fromEntries(entries.map(([name, value]) => [name, structural(value, `${path}.${name}`)]));
  }
  if (schema.items) out.items = structural(schema.items as Json, `${path}[]`);
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true; // whatever is in there: it has no schema
  if (typeof schema.additionalProperties === 'object' && !open) {
    out.additionalProperties = structural(schema.additionalProperties as Json, `${path}.*`);
  }
};
