import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { CliError } from '../io.ts';

export const DEMO_HELP = `
Brings up a local Kubernetes with a node, Prometheus and Alertmanager, deploys a sample shop from a Git repository, pushes a
release that fails, and shows how it is rolled back. The same as \`npm run demo\`.

Examples:
  metricops demo
  metricops demo --keep`;

/** Runs from a source checkout only: the demo builds the project's own images. Resolves with its exit code. */
export const demo = (root: string | undefined, args: string[]): Promise<number> => {
  if (root === undefined)
    throw new CliError('The demo is part of a source checkout.', 'Clone the repository, then: npm run demo');
  const program = join(root, 'tools/demo/main.ts');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { cwd: root, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
};
