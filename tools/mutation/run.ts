import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import './mocha-paths.ts';
import { Stryker } from '@stryker-mutator/core';
import { type Module, sourcesOf, testsOf } from './modules.ts';

/** One change of the code, and whether a test noticed it. */
export type Mutant = Awaited<ReturnType<Stryker['runMutationTest']>>[number];

const MOCHA_PATHS = new URL('./mocha-paths.ts', import.meta.url).href;

/** Of a type that has no values at run time: `const enum`. */
const ERRORS_ONLY = { logLevel: 'error' };

/**
 * Changes the module in every way that Stryker knows and runs its tests for each, in a copy of the working directory
 * outside of it. Rejects where the tests fail on the code as it is; Stryker says on stdout which.
 */
export const mutate = async (module: Module): Promise<Mutant[]> => {
  const copies = mkdtempSync(join(tmpdir(), 'metricops-mutation-'));
  const options: ConstructorParameters<typeof Stryker>[0] = {
    mutate: sourcesOf(module),
    mutator: { excludedMutations: ['StringLiteral'] },
    testRunner: 'mocha',
    mochaOptions: { spec: testsOf(module), extension: ['ts'] },
    plugins: ['@stryker-mutator/mocha-runner'],
    testRunnerNodeArgs: ['--import', MOCHA_PATHS],
    coverageAnalysis: 'perTest',
    // Tables of predicates are built while a file is loaded.
    ignoreStatic: false,
    // Node takes the types away without a check.
    disableTypeChecks: false,
    concurrency: 2,
    // Long, so that a busy machine kills no mutant: Stryker ends most endless loops by counting.
    timeoutMS: 30_000,
    tempDirName: copies,
    cleanTempDir: 'always',
    reporters: [],
    allowConsoleColors: false,
  };
  try {
    return await new Stryker(Object.assign(options, ERRORS_ONLY)).runMutationTest();
  } finally {
    rmSync(copies, { recursive: true, force: true });
  }
};
