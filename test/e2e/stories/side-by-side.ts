import { createHash } from 'node:crypto';
import { resources } from '../../../src/kube/index.ts';
import type { Environment } from '../../../tools/demo/environment.ts';
import { createProgress } from '../../../tools/demo/progress.ts';
import { createRandom, type Random } from '../../simulation/random.ts';
import { createStage } from './stage.ts';
import type { Story } from './story.ts';

/** Stories that run at the same time: they mostly wait, but for pods that start. */
const AT_ONCE = 6;

export interface Telling {
  story: Story;
  /** Settles with the story. Nobody has to wait for it. */
  end: Promise<void>;
}

/** Runs stories in their order, some at a time, each in a namespace of its own. The same seed makes the same stories. */
export const tellSideBySide = (env: Environment, stories: readonly Story[], seed: string): Telling[] => {
  const progress = createProgress((line) => process.stderr.write(`    ${line}\n`));
  const told = stories.map((story) => ({ story, ...Promise.withResolvers<void>() }));
  const waiting = told.values();
  const work = async (): Promise<void> => {
    for (const { story, resolve, reject } of waiting) {
      progress.say(`${story.name} begins`);
      await tell(env, story, seed).then(resolve, reject);
      progress.say(`${story.name} has ended`);
    }
  };
  for (let i = 0; i < AT_ONCE; i += 1) void work();
  return told.map(({ story, promise }) => {
    promise.catch(() => {}); // its test says it
    return { story, end: promise };
  });
};

const tell = async (env: Environment, story: Story, seed: string): Promise<void> => {
  const stage = await createStage(env, story, randomOf(seed, story));
  try {
    await stage.open();
    await story.run(stage);
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause === undefined ? message : `${message}: ${String(cause)}`;
    throw new Error(`with seed ${seed}: ${why}\n${await stage.words().catch(String)}`, { cause: error });
  } finally {
    await stage.close();
  }
  // The others get its part of the machine.
  await env.client.delete(resources.namespaces, { name: stage.namespace });
};

const randomOf = (seed: string, { name }: Story): Random =>
  createRandom(createHash('sha256').update(`${seed} ${name}`).digest().readUInt32BE());
