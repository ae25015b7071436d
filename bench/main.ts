import { parseArgs } from 'node:util';
import { createProgress } from '../tools/demo/progress.ts';
import { benchLoop } from './loop.ts';
import { benchSidecar } from './sidecar.ts';

const HELP = `Usage: npm run bench -- BENCH [--json]

  loop      alert → Hold → applied → pods ready, beside kubectl rollout undo, on a real node (root; about 6 minutes)
  sidecar   memory, CPU and first record of the recorder, as the kubelet reports them (root; about 2 minutes)

--json prints one JSON object on standard output; progress goes to standard error.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
});
const benches = { loop: benchLoop, sidecar: benchSidecar };
const bench = benches[positionals[0] as keyof typeof benches];
if (values.help || !bench) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}
const result = await bench(createProgress());
if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
else for (const [key, value] of Object.entries(result)) process.stdout.write(`${key.padEnd(28)} ${value}\n`);
process.exit();
