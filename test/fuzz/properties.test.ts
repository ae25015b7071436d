import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { allProperties } from './properties.ts';

/** `npm run fuzz` does it a hundred thousand times. */
const RUNS = 200;

describe('a parser that is given anything gives what it should, or refuses in its own words', () => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-fuzz-'));
  after(() => rmSync(dir, { recursive: true }));
  for (const { name, check } of allProperties(dir)) it(name, () => check({ runs: RUNS }));
});
