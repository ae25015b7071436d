import { type Commands, waiting } from '../add-command.ts';
import { ACCEPT_HELP, accept } from '../commands/accept.ts';
import { APPROVE_HELP, approve, DENY_HELP, deny } from '../commands/answer.ts';
import { LIFT_HELP, lift } from '../commands/lift.ts';
import { PAUSE_HELP, pause, RESUME_HELP, resume, SUSPEND_HELP, suspend } from '../commands/pause.ts';
import { ROLLBACK_HELP, rollback } from '../commands/rollback.ts';
import { SYNC_HELP, sync } from '../commands/sync.ts';
import { numberOption } from '../context.ts';

/** Commands by which people decide about releases and syncs. */
export const addAct = ({ parent, online }: Commands): void => {
  parent.commandsGroup('Act:');
  waiting(
    online(
      {
        usage: 'rollback <workload>',
        about: 'apply an earlier release and keep the current one out',
        help: ROLLBACK_HELP,
      },
      rollback,
    )
      .option('--to <release>', 'number of the release (default: the last good one)', numberOption)
      .option('-m, --message <text>', 'why, for those who read the hold')
      .option('--force', 'go back behind an irreversible release, too')
      .option('--dry-run', 'only say what would be done'),
    '5m',
  );
  online(
    { usage: 'approve <incident>', about: 'let an incident roll back as it proposes', help: APPROVE_HELP },
    approve,
  );
  online({ usage: 'deny <incident>', about: 'end an incident without a rollback', help: DENY_HELP }, deny).option(
    '-m, --message <text>',
    'why, for those who read the hold',
  );
  online(
    {
      usage: 'lift <workload>',
      about: 'delete the hold of a workload (or hold/NAME): the release is on probation',
      help: LIFT_HELP,
    },
    lift,
  );
  online({ usage: 'accept <workload>', about: 'never reject that release again', help: ACCEPT_HELP }, accept)
    .option('--release <number>', 'the release (default: the one that is kept out)', numberOption)
    .option('-m, --message <text>', 'why, for those who read the hold');
  waiting(online({ usage: 'sync <gitsync>', about: 'fetch and apply now', help: SYNC_HELP }, sync), '5m');
  online({ usage: 'suspend <gitsync>', about: 'stop applying from Git', help: SUSPEND_HELP }, suspend);
  online({ usage: 'pause <workload>', about: 'leave a workload alone', help: PAUSE_HELP }, pause);
  online(
    { usage: 'resume <what>', about: 'end a pause (WORKLOAD) or a suspension (sync/NAME)', help: RESUME_HELP },
    resume,
  );
};
