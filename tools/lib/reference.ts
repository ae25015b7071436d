import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { API_VERSION, annotations, labels } from '../../src/api/annotations.ts';
import { kinds, openAPISchema } from '../../src/api/crd.ts';
import { reasons } from '../../src/api/reasons.ts';
import type { StructuralSchema } from '../../src/api/structural.ts';
import { EXIT } from '../../src/cli/io.ts';
import { cell } from './markdown.ts';

/** docs/reference.md: every kind, field, annotation and reason, from the same source as the types and the CRDs. */
export const reference = (): string =>
  `${[head(), ...kinds.map(kindSection), keysSection(), reasonsSection(), exitCodesSection()].join('\n\n')}\n`;

const head = (): string =>
  [
    '# Reference',
    '',
    `Kinds of \`${API_VERSION}\`. All but PlatformPolicy are namespaced; \`kubectl get metricops -A\` lists them. [api-versions.md](api-versions.md) says what is stable, and [glossary.md](glossary.md) explains the words.`,
    '',
    '| kind | short name | what it says |',
    '|---|---|---|',
    ...kinds.map((k) => `| [${k.kind}](#${k.kind.toLowerCase()}) | \`${k.shortNames[0]}\` | ${cell(k.description)} |`),
    '',
    'Durations are written `90s`, `10m` or `1h30m`, as in Go; windows as in PromQL, where `30d` is one, too. A field in **bold** is required. An unknown field is refused by `kubectl apply`.',
  ].join('\n');

const kindSection = (definition: (typeof kinds)[number]): string => {
  const { spec = { type: 'object' }, status } = openAPISchema(definition).properties ?? {};
  return [
    `## ${definition.kind}`,
    '',
    definition.description,
    '',
    ...table('spec', spec),
    ...rules(spec),
    '',
    ...(status ? table('status', status) : ['It has no status: nothing is reported on it.']),
  ].join('\n');
};

const table = (name: string, schema: StructuralSchema): string[] => [
  `### ${name}`,
  '',
  '| field | type | default | meaning |',
  '|---|---|---|---|',
  ...fieldRows(schema, ''),
];

const fieldRows = (schema: StructuralSchema, prefix: string): string[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const label = schema.required?.includes(name) ? `**\`${path}\`**` : `\`${path}\``;
    const byDefault = field.default === undefined ? '' : `\`${JSON.stringify(field.default)}\``;
    const row = `| ${label} | ${typeOf(field)} | ${cell(byDefault)} | ${cell(field.description ?? '')} |`;
    if (name === 'conditions')
      return [
        `| \`${path}\` | list of conditions |  | As everywhere in Kubernetes; the reasons stand [below](#reasons). |`,
      ];
    const inner = field.type === 'array' ? field.items : field;
    return [row, ...(inner?.properties ? fieldRows(inner, `${path}${field.type === 'array' ? '[]' : ''}.`) : [])];
  });

const typeOf = (field: StructuralSchema): string => {
  if (field.enum) return field.enum.map((value) => `\`${value}\``).join(', ');
  if (field.format === 'date-time') return 'time';
  const says = (words: string): boolean =>
    field['x-kubernetes-validations']?.some(({ message }) => message.includes(words)) === true;
  if (says('a Prometheus duration')) return 'window';
  if (says('a duration')) return 'duration';
  if (field.type === 'array') return field.items ? `list of ${typeOf(field.items)}` : 'list';
  if (field.type === 'object' && field.additionalProperties) return `map of ${typeOf(field.additionalProperties)}`;
  const limits = [
    field.minimum === undefined ? '' : `${field.exclusiveMinimum === true ? '>' : '≥'} ${field.minimum}`,
    field.maximum === undefined ? '' : `${field.exclusiveMaximum === true ? '<' : '≤'} ${field.maximum}`,
  ].filter((limit) => limit !== '');
  return [field.type, ...limits].join(' ');
};

const rules = (schema: StructuralSchema): string[] => {
  const messages = [...new Set(messagesOf(schema))];
  return messages.length === 0 ? [] : ['', 'The API server also refuses, with these words:', '', ...messages];
};

const messagesOf = (schema: StructuralSchema): string[] => [
  ...(schema['x-kubernetes-validations'] ?? []).map((rule) => `- ${rule.message}`),
  ...Object.values(schema.properties ?? {}).flatMap(messagesOf),
  ...(schema.items ? messagesOf(schema.items) : []),
];

/** The meaning stands in the comment over each key; that is its one source. */
const keysSection = (): string => {
  const source = readFileSync(join(import.meta.dirname, '../../src/api/annotations.ts'), 'utf8');
  const [forAnnotations = '', forLabels = ''] = source.split('export const labels');
  const rows = (keys: Record<string, string>, text: string): string[] =>
    Object.entries(keys).map(([name, key]) => `| \`${key}\` | ${cell(commentOver(name, text))} |`);
  const tableOf = (title: string, keys: Record<string, string>, text: string): string[] => [
    `## ${title}`,
    '',
    '| key | meaning |',
    '|---|---|',
    ...rows(keys, text),
  ];
  return [...tableOf('Annotations', annotations, forAnnotations), '', ...tableOf('Labels', labels, forLabels)].join(
    '\n',
  );
};

/** The lines of the comment as one. */
const commentOver = (name: string, source: string): string => {
  const [before = ''] = source.split(new RegExp(`^ {2}${name}: '`, 'm'));
  const comment = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/.exec(before)?.[1];
  if (comment === undefined) throw new Error(`${name} has no comment in src/api/annotations.ts`);
  return comment.replaceAll(/\s*\n\s*\*\s*/g, ' ').trim();
};

const reasonsSection = (): string =>
  [
    '## Reasons',
    '',
    'Reasons of conditions, verdicts and events.',
    '',
    '| reason | what it means | what to do |',
    '|---|---|---|',
    ...Object.entries(reasons).map(([code, entry]) => `| \`${code}\` | ${cell(entry.means)} | ${cell(entry.next)} |`),
  ].join('\n');

const exitCodesSection = (): string =>
  [
    '## Exit codes',
    '',
    'Of `metricops`, also as `kubectl metricops`. `diff` has those of `kubectl diff`: 0 without a difference, 1 with one, 2 where it failed.',
    '',
    '| code | what it means |',
    '|---|---|',
    `| ${EXIT.ok} | It is done. |`,
    `| ${EXIT.failure} | It failed, or \`check\` found something without which a rollback would not happen. |`,
    `| ${EXIT.usage} | The command line is wrong. |`,
    `| ${EXIT.attention} | It is done, and what was asked for does not run yet: \`sync\` while a Hold keeps a release out; \`status\` and \`incidents\` with \`--exit-code\` while something needs a person. |`,
  ].join('\n');
