import type { Commands } from '../add-command.ts';
import { DIFF_HELP, diff } from '../commands/diff.ts';
import { EXPLAIN_HELP, explain } from '../commands/explain.ts';
import { HISTORY_HELP, history } from '../commands/history.ts';
import { HOLDS_HELP, holds } from '../commands/holds.ts';
import { INCIDENTS_HELP, incidents } from '../commands/incidents.ts';
import { STATUS_HELP, status } from '../commands/status.ts';
import { GET_HELP, get } from '../commands/sync.ts';
import { EXIT } from '../io.ts';

/** Commands that only read. */
export const addSee = ({ parent, online, exit }: Commands): void => {
  parent.commandsGroup('See:');
  online(
    {
      usage: 'status',
      about: 'overview: what needs a person, syncs, policies, holds, open incidents, pods without the recorder',
      help: STATUS_HELP,
    },
    status,
  ).option('--exit-code', 'exit with 3 while something needs a person');
  online({ usage: 'get <gitsync>', about: 'how a GitSync stands', help: GET_HELP }, get);
  online(
    {
      usage: 'history <workload>',
      about: 'recorded releases of a workload, what guards and what holds it',
      help: HISTORY_HELP,
    },
    history,
  );
  online(
    { usage: 'incidents', about: 'incidents: what needs a person first, then the newest', help: INCIDENTS_HELP },
    incidents,
  )
    .option('--open', 'only those not closed')
    .option('--exit-code', 'exit with 3 while one needs a person');
  online(
    { usage: 'explain <incident>', about: 'what happened in an incident, and why', help: EXPLAIN_HELP },
    explain,
  ).option('--logs', 'print the last log lines of the pods of the release that was suspected');
  online({ usage: 'holds', about: 'what is kept out, accepted or denied, and who asked', help: HOLDS_HELP }, holds);
  online(
    {
      usage: 'diff <gitsync>',
      about: 'what differs from what was applied, and what is held back',
      help: DIFF_HELP,
    },
    diff,
    // As kubectl diff: 1 says that there is a difference, so an error has to be another number.
  ).hook('preAction', () => {
    exit.failure = EXIT.trouble;
  });
};
