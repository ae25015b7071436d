import { createLog, words } from './log.ts';
import { startMetricsServer } from './metrics-server.ts';
import { postRecord } from './post.ts';
import { startRecorder } from './recorder.ts';
import { settingsOf } from './settings.ts';

/**
 * The recorder that is injected into a pod. It must never harm that pod: a native sidecar that exits makes the pod
 * unready, so whatever goes wrong in here is a line in the log, and only a signal ends the process.
 */
const log = createLog((line) => process.stdout.write(line));

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => log('error', 'unexpected', { err: words(error) }));
}
process.stdout.on('error', () => {}); // nobody reads the log any more: go on

/** Keeps the process alive when neither the port nor the record URL does. */
setInterval(() => {}, 2 ** 30);

try {
  const settings = settingsOf(process.env);
  const { state } = startRecorder({ post: () => postRecord(settings), log });
  startMetricsServer(settings, state, log);
} catch (error) {
  log('error', 'invalid settings: nothing is recorded', { err: words(error) });
}
