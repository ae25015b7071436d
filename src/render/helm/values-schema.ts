import { ReasonError } from '../../api/reason-error.ts';

/** Keywords whose value names another schema. */
const REFERENCES = new Set(['$ref', '$dynamicRef', '$recursiveRef']);
/** The drafts, which Helm brings along. */
const DRAFTS = /^https?:\/\/json-schema\.org\/(draft-0[467]|draft\/2019-09|draft\/2020-12)\/schema#?$/;
const MAX_DEPTH = 200;

/**
 * Throws where a values.schema.json refers to anything but itself: Helm would read it from a file of this machine, or from
 * an address that the chart's author chose and that no rule of the platform allows.
 */
export const refuseRemoteReferences = (text: string, where: string): void => {
  const check = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null) return;
    if (depth > MAX_DEPTH) throw refused(where, `nests deeper than ${MAX_DEPTH}`);
    for (const [keyword, member] of Object.entries(value)) {
      if (typeof member === 'string' && isElsewhere(keyword, member)) {
        throw refused(
          where,
          `refers to ${member.slice(0, 200)}, which is not fetched: write what it says into the schema`,
        );
      }
      check(member, depth + 1);
    }
  };
  check(parsed(text, where), 0);
};

const isElsewhere = (keyword: string, reference: string): boolean =>
  (REFERENCES.has(keyword) && !reference.startsWith('#')) || (keyword === '$schema' && !DRAFTS.test(reference));

const parsed = (text: string, where: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw refused(where, 'is no JSON'); // Go may read it all the same
  }
};

const refused = (where: string, what: string): ReasonError =>
  new ReasonError('ChartRefused', `${where} ${what}, or set spec.render.helm.skipSchemaValidation`);
