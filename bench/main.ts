import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createProgress, type Progress } from '../tools/demo/progress.ts';
import { benchGit } from './git/main.ts';
import { ATTACKS, benchHostile } from './hostile/main.ts';
import { benchIntake } from './intake/main.ts';
import { benchLoop } from './loop.ts';
import { benchSidecar } from './sidecar.ts';
import { stolenPercent, ticksOf } from './stolen.ts';
import { benchSync, SYNC_SCENARIOS } from './sync/main.ts';

const HELP = `Usage: npm run bench -- BENCH [--json]

  loop      alert → Hold → applied → pods ready, beside kubectl rollout undo, on a real node (root; about 12 minutes)
  sidecar   memory, CPU and first record of the recorder, as the kubelet reports them (root; about 2 minutes)
  sync      the reconciler beside a bare client loop: first sync, restart, nothing changed, pushes, drift,
            memory, soak (root; about 35 minutes, 10 of them the soak; --only first,restart: about 15)
  hostile   what attackers cost everybody else: pushes and rollbacks beside each, and beside all of them
            (root; about 25 minutes)
  intake    10,000 alerts in a minute from another process, while the controller is killed and started again; then
            200 deliveries a second about known incidents (root; about 4 minutes)

  git       clone, fetch and poll beside the git binary: 5,050 manifests, and a repository of 100 MB (about 1 minute)

Options of hostile:
  --only NAME[,NAME]    some of: ${ATTACKS.join(', ')}
  --seconds N           of each measurement at least, 60 by default
  --rollbacks N         in each measurement at least, 10 by default

Options of intake:
  --alerts N            in the minute, 10000 by default
  --per-second N        deliveries about known incidents, 200 by default

Options of sync:
  --only NAME[,NAME]    some of: ${SYNC_SCENARIOS.join(', ')}
  --soak-minutes N      10 by default
  --restart-syncs N     GitSyncs of the restart, 1000 by default
  --plots               draw the figures into docs/

cpuStolenPercent says which part of the machine's CPU the hypervisor took meanwhile: above a few percent, milliseconds
say more about the machine than about metricops.

--json prints one JSON object on standard output; progress goes to standard error.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
    only: { type: 'string', default: '' },
    seconds: { type: 'string', default: '60' },
    rollbacks: { type: 'string', default: '10' },
    'soak-minutes': { type: 'string', default: '10' },
    'restart-syncs': { type: 'string', default: '1000' },
    plots: { type: 'boolean', default: false },
    alerts: { type: 'string', default: '10000' },
    'per-second': { type: 'string', default: '200' },
  },
});
const only = values.only.split(',').filter((name) => name !== '');
const benches = {
  git: benchGit,
  hostile: (progress: Progress) =>
    benchHostile(progress, { only, seconds: Number(values.seconds), rollbacks: Number(values.rollbacks) }),
  intake: (progress: Progress) =>
    benchIntake(progress, { alerts: Number(values.alerts), perSecond: Number(values['per-second']) }),
  loop: benchLoop,
  sidecar: benchSidecar,
  sync: (progress: Progress) =>
    benchSync(progress, {
      only,
      soakMinutes: Number(values['soak-minutes']),
      restartSyncs: Number(values['restart-syncs']),
      plots: values.plots,
    }),
};
const bench = benches[positionals[0] as keyof typeof benches];
if (values.help || !bench) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}
const before = ticksOf(readFileSync('/proc/stat', 'utf8'));
const figures = await bench(createProgress());
const result = { ...figures, cpuStolenPercent: stolenPercent(before, ticksOf(readFileSync('/proc/stat', 'utf8'))) };
if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
else for (const [key, value] of Object.entries(result)) process.stdout.write(`${key.padEnd(28)} ${value}\n`);
process.exit();
