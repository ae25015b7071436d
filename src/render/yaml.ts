import { boolYaml11Tag, CORE_SCHEMA, defineScalarTag, loadAll, mergeTag, NOT_RESOLVED, YAMLException } from 'js-yaml';
import type { KubeObject } from '../api/meta.ts';
import { RenderError } from './errors.ts';

/** Objects nest; ConfigMaps are long; neither comes near these. */
const LIMITS = { aliases: 1000, depth: 100, nodes: 500_000 };

/** 017 and 0o17 are 15, 1_000 is 1000: as the YAML 1.1 parser of kubectl reads them. */
const int = defineScalarTag('tag:yaml.org,2002:int', {
  implicit: true,
  resolve(source) {
    const text = source.replaceAll('_', '');
    const match = /^([-+]?)(0b[01]+|0o[0-7]+|0x[0-9a-fA-F]+|0[0-7]+|0|[1-9][0-9]*)$/.exec(text);
    if (!match) return NOT_RESOLVED;
    const [, sign = '', digits = ''] = match;
    const value = Number(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
    return sign === '-' ? -value : value;
  },
  identify: (data) => Number.isInteger(data),
});

/** 1e3 is a number there, and 1:30 is none. */
const float = defineScalarTag('tag:yaml.org,2002:float', {
  implicit: true,
  resolve(source) {
    const text = source.replaceAll('_', '');
    return /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(text) ? Number(text) : NOT_RESOLVED;
  },
  identify: (data) => typeof data === 'number',
});

const SCHEMA = CORE_SCHEMA.withTags(mergeTag, boolYaml11Tag, int, float);

/**
 * The Kubernetes objects of a YAML or JSON text, Lists taken apart, empty documents left out.
 * Agrees with kubectl where YAML 1.1 and 1.2 differ. Throws RenderError with file and document.
 */
export const parseManifests = (text: string, file: string): KubeObject[] => {
  const budget = { nodes: LIMITS.nodes };
  return documentsOf(text, file).flatMap((document, i) => {
    const where = `${file}, document ${i + 1}`;
    if (document === null || document === undefined) return [];
    count(document, budget, where);
    return objectsOf(document, where);
  });
};

const documentsOf = (text: string, file: string): unknown[] => {
  try {
    const options = { filename: file, schema: SCHEMA, json: true, maxAliases: LIMITS.aliases, maxDepth: LIMITS.depth };
    return loadAll(text, options);
  } catch (error) {
    const message = error instanceof YAMLException ? error.message : String(error);
    throw new RenderError('InvalidYAML', `${file} is not YAML: ${message.split('\n')[0]}`, error);
  }
};

/** A few aliases of aliases make billions of nodes; they are shared in memory and explode when they are written. */
const count = (value: unknown, budget: { nodes: number }, where: string): void => {
  budget.nodes -= 1;
  if (budget.nodes < 0)
    throw new RenderError('ManifestTooLarge', `${where} expands to more than ${LIMITS.nodes} values (aliases?)`);
  if (typeof value !== 'object' || value === null) return;
  for (const member of Object.values(value)) count(member, budget, where);
};

const objectsOf = (document: unknown, where: string): KubeObject[] => {
  const object = document as Partial<KubeObject> & { items?: unknown };
  if (
    typeof document !== 'object' ||
    Array.isArray(document) ||
    typeof object.kind !== 'string' ||
    typeof object.apiVersion !== 'string'
  ) {
    throw new RenderError('InvalidManifest', `${where} is not a Kubernetes object: it needs apiVersion and kind`);
  }
  if (object.kind.endsWith('List') && Array.isArray(object.items)) {
    return object.items.flatMap((item, i) => objectsOf(item, `${where}, item ${i + 1}`));
  }
  const name = object.metadata?.name;
  if (typeof name !== 'string' || name === '') {
    throw new RenderError(
      'InvalidManifest',
      `${where} (${object.kind}) has no metadata.name; generateName can't be synced`,
    );
  }
  return [document as KubeObject];
};
