import type { Target } from './attackers.ts';
import { attacks } from './attacks/index.ts';

// The process of one attack, in the control group of the attackers. It ends by itself after an hour at the latest.

const MAX_MS = 3_600_000;

const name = process.argv[2] ?? '';
const attack = attacks[name];
if (!attack) throw new Error(`no attack "${name}"; there are ${Object.keys(attacks).join(', ')}`);
process.once('SIGTERM', () => process.exit());
setTimeout(() => process.exit(), MAX_MS);
const target = JSON.parse(process.env.ATTACK_TARGET ?? '') as Target;
await attack(target, (line) => void process.stdout.write(`${name}: ${line}\n`));
