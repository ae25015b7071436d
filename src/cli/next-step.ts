import type { WorkloadKey } from '../api/workload.ts';
import type { NextStep } from '../read-model/index.ts';
import { workloadWords } from './words.ts';

/** The next step about an incident, with the commands that take it. */
export const nextStepWords = (next: NextStep, { name, workload }: { name: string; workload: WorkloadKey }): string => {
  const at = `-n ${workload.namespace}`;
  const what = workloadWords(workload);
  switch (next) {
    case 'ApproveOrDeny':
      return `metricops approve ${name} ${at}, or metricops deny ${name} ${at}`;
    case 'Resume':
      return `metricops resume ${what} ${at} lets the incident go on; or fix it by hand, or metricops deny ${name} ${at}`;
    case 'FindOtherCause':
      return `look for another cause; to go back to Git's release: metricops lift ${what} ${at}`;
    case 'RunNewerAgain':
      return `look for another cause; to run the newer release again, on probation: metricops lift ${what} ${at}`;
    case 'ChooseRelease':
      return `choose a release: metricops history ${what} ${at}, metricops rollback ${what} --to N ${at}; or run the newer one again: metricops lift ${what} ${at}`;
    case 'Decide':
      return `decide yourself: metricops rollback ${what} ${at}, or metricops deny ${name} ${at}`;
    case 'FixInGit':
      return `fix it in Git: a commit that changes ${what} takes the place of the held release. Was it fine after all? metricops accept ${what} ${at}`;
    case 'SetMode':
      return 'to let metricops act, set the mode to Auto (or the annotation metricops.dev/rollback=Auto)';
  }
};
