import { z } from 'zod';
import { recordedGraph, recordedReleases, recordedTruth, seriesRow } from './recording-schema.ts';
import { scenario } from './scenario-schema.ts';

const SCHEMAS: Readonly<Record<string, { title: string; schema: z.ZodType }>> = {
  scenario: { title: 'A scenario of npm run simulate -- --scenarios DIR', schema: scenario },
  'recorded-series-row': { title: 'A line of series.csv of a recording', schema: seriesRow },
  'recorded-releases': { title: 'releases.json of a recording', schema: recordedReleases },
  'recorded-graph': { title: 'graph.json of a recording', schema: recordedGraph },
  'recorded-truth': { title: 'truth.json of a recording', schema: recordedTruth },
};

/** JSON Schemas of what `npm run simulate` reads, by the names of their files. */
export const jsonSchemas = (): Map<string, string> =>
  new Map(
    Object.entries(SCHEMAS).map(([name, { title, schema }]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
      return [`${name}.schema.json`, `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`];
    }),
  );
