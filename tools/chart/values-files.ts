import { dump } from 'js-yaml';
import { z } from 'zod';

/** A value, and those in it. */
interface Entry {
  /** `image.tag` */
  path: string;
  depth: number;
  name: string;
  about: string | undefined;
  value: unknown;
  /** It has no value of its own. */
  isGroup: boolean;
}

type Shape = Record<string, z.ZodType>;

const shapeOf = (schema: z.ZodType): Shape | undefined => {
  if (schema instanceof z.ZodPrefault) return shapeOf(schema.unwrap() as z.ZodType);
  return schema instanceof z.ZodObject ? (schema.shape as Shape) : undefined;
};

const entriesOf = (shape: Shape, values: Record<string, unknown>, above: readonly string[] = []): Entry[] =>
  Object.entries(shape).flatMap(([name, schema]) => {
    const inner = shapeOf(schema);
    const value = values[name];
    const path = [...above, name];
    const isGroup = inner !== undefined;
    const entry = { path: path.join('.'), depth: above.length, name, about: schema.description, value, isGroup };
    return [entry, ...(inner ? entriesOf(inner, value as Record<string, unknown>, path) : [])];
  });

const allOf = (schema: z.ZodObject): Entry[] =>
  entriesOf(schema.shape as Shape, schema.parse({}) as Record<string, unknown>);

/** values.yaml: every value with its default, and what it is for. */
export const valuesYaml = (schema: z.ZodObject): string =>
  allOf(schema)
    .map(({ depth, name, about, value, isGroup }) => {
      const text = isGroup ? `${name}:\n` : dump({ [name]: value }, { lineWidth: -1, quoteStyle: 'double' });
      const comment = about === undefined ? '' : wrapped(about, 116 - 2 * depth);
      const gap = depth === 0 ? '\n' : '';
      return gap + `${comment}${text}`.replaceAll(/^(?=.)/gm, '  '.repeat(depth));
    })
    .join('')
    .trimStart();

/** As lines of a comment. */
const wrapped = (text: string, width: number): string =>
  text.replaceAll(new RegExp(`(.{1,${width}})(?: +|$)`, 'g'), '# $1\n');

/** values.schema.json, by which helm refuses values that nobody reads. Draft 7: every Helm 3 knows it. */
export const valuesSchemaJson = (schema: z.ZodObject): string =>
  `${JSON.stringify(z.toJSONSchema(schema, { target: 'draft-7', io: 'input' }), null, 2)}\n`;

/** The rows of the README's table. */
export const valuesTable = (schema: z.ZodObject): string =>
  [
    '| value | default | what |',
    '|---|---|---|',
    ...allOf(schema)
      .filter(({ isGroup, about }) => !isGroup || about !== undefined)
      .map(({ path, value, isGroup, about = '' }) => {
        const shown = isGroup ? '' : `\`${JSON.stringify(value)}\``;
        return `| \`${path}\` | ${shown} | ${about.replaceAll('|', '\\|')} |`;
      }),
  ].join('\n');
