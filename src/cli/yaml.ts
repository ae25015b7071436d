import { DUMP_SCHEMA, type DumpOptions, dump, intCoreTag, intYaml11Tag, NOT_RESOLVED } from 'js-yaml';

/** As js-yaml writes integers, and bigints beside them, which are integers that no number holds: see json.ts. */
const SCHEMA = DUMP_SCHEMA.withTags({
  ...intYaml11Tag,
  // A text that reads as an integer of YAML 1.1 or 1.2 needs its quotes.
  resolve(...source) {
    const value = intYaml11Tag.resolve(...source);
    return value === NOT_RESOLVED ? intCoreTag.resolve(...source) : value;
  },
  identify: (value) => typeof value === 'bigint' || intYaml11Tag.identify(value),
  represent: (value) => String(value),
});

/** The YAML text of a JSON value. */
export const writeYaml = (value: unknown, options: DumpOptions = {}): string =>
  dump(value, { noRefs: true, schema: SCHEMA, ...options });
