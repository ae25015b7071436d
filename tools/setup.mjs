// First step of every npm script: makes node_modules what the lockfile says. Plain JavaScript without dependencies,
// for it runs on whatever Node (20 or later) the machine has; all that follows runs on the Node 24 that it installs.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  console.error(`metricops needs Node 20 or later to set itself up; this is ${process.version}.`);
  console.error('On Debian: apt-get install nodejs npm (bookworm-backports or later), or see https://nodejs.org.');
  process.exit(1);
}

const stamp = 'node_modules/.metricops-lock';
const want = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
const have = existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';

if (want !== have) {
  const start = Date.now();
  console.log('setup: npm ci (packages of the lockfile, Node 24 among them)');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: 'inherit' });
  if (status !== 0) {
    console.error('setup: npm ci failed (see above). Is the npm registry reachable? `npm ping` tells.');
    process.exit(status ?? 1);
  }
  writeFileSync(stamp, want);
  console.log(`setup: npm ci done in ${Math.round((Date.now() - start) / 1000)} s`);
}
