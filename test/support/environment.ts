import { randomUUID } from 'node:crypto';
import { after, before } from 'mocha';
import { type Environment, startEnvironment } from '../../tools/demo/environment.ts';
import { createProgress } from '../../tools/demo/progress.ts';

/** A cluster with a node and everything on it, for one run of Mocha; ended after the last test. */
export const useEnvironment = (): (() => Environment) => {
  let environment: Environment | undefined;
  before(async function () {
    this.timeout(2_400_000); // the first time ever, it builds Kubernetes
    run.environment ??= startEnvironment({
      name: `e2e-${randomUUID().slice(0, 8)}`,
      progress: createProgress((line) => process.stderr.write(`    ${line}\n`)),
    });
    environment = await run.environment;
  });
  return () => {
    if (!environment) throw new Error('the environment is there only inside of tests');
    return environment;
  };
};

const run: { environment?: Promise<Environment> } = {};

after(async function () {
  this.timeout(120_000);
  await (await run.environment)?.down();
});
