import { after, before, describe, it } from 'mocha';
import { useEnvironment } from '../support/environment.ts';
import { causes } from './stories/causes.ts';
import { people } from './stories/people.ts';
import { rulesOf } from './stories/policy.ts';
import { releases } from './stories/releases.ts';
import { rollouts } from './stories/rollouts.ts';
import { type Telling, tellSideBySide } from './stories/side-by-side.ts';

// Those that take long come first.
const all = [...causes, ...releases, ...rollouts, ...people];
/** METRICOPS_STORIES=leak,surge: only these. */
const chosen = process.env.METRICOPS_STORIES?.split(',');
const stories = all.filter(({ name }) => chosen?.includes(name) ?? true);
const seed = process.env.METRICOPS_SEED ?? '1';

describe('side by side on a real node', () => {
  const env = useEnvironment();
  let told: readonly Telling[] = [];

  before(async () => {
    process.stderr.write(`    METRICOPS_SEED=${seed}\n`);
    await env().monitoring.setRules(rulesOf(stories));
    told = tellSideBySide(env(), stories, seed);
  });

  for (const story of stories) it(story.title, () => told.find((one) => one.story === story)?.end);

  after(async function () {
    this.timeout(900_000);
    await Promise.allSettled(told.map(({ end }) => end));
  });
});
