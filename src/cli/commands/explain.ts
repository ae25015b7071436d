import type { Evidence, Incident, IncidentPhase, ObjectiveVerdict, Verdict } from '../../api/incident.ts';
import { type Release, type ReleaseHistory, releasesOf } from '../../api/release-history.ts';
import { needsPerson } from '../../incident/index.ts';
import { resources } from '../../kube/index.ts';
import { historyName } from '../../snapshot/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { facts, indent, table } from '../table.ts';
import { age, imagesOf, leg, percent, plural, shortCommit, span, trueWords, workloadWords } from '../words.ts';
import { messageOf } from './incidents.ts';

export const EXPLAIN_HELP = `
Shows the whole story of an incident: which alerts came, which release is suspected and why, what was measured, what was
done, and how long each step took.

Examples:
  metricops explain checkout-4-1a2b3c -n shop
  metricops explain checkout-4-1a2b3c -o json | jq .status.timeline`;

export const explain = async (cli: Cli, name: string): Promise<void> => {
  const incident = await cli.client.get<Incident>(resources.incidents, { namespace: cli.namespace, name });
  if (!incident) {
    throw new CliError(
      `There is no incident ${name} in namespace ${cli.namespace}.`,
      '`metricops incidents -A` lists them; add -n NAMESPACE.',
    );
  }
  const history = await cli.client.get<ReleaseHistory>(resources.releaseHistories, {
    namespace: cli.namespace,
    name: historyName(incident.spec.workloadRef),
  });
  cli.print(incident, () => story(incident, history, cli.io.now()));
};

/** The incident as a page of text. */
export const story = (incident: Incident, history: ReleaseHistory | undefined, now: number): string => {
  const { spec, status, metadata } = incident;
  const phase = status?.phase ?? 'Open';
  const head = facts([
    ['Incident', `${metadata.namespace}/${metadata.name}`],
    ['Phase', `${phase}: ${MEANING[phase]}`],
    ['Needs you', needsPerson(incident) ? messageOf(incident) : undefined],
    ['Next', nextStep(incident)],
    ['Workload', workloadWords(spec.workloadRef)],
    ['Suspect', suspectWords(incident, history)],
    ['Verdict', status?.verdict && verdictWords(status.verdict)],
    ['Policy', status?.mode && POLICY[status.mode]],
    ['Rollback', rollbackWords(incident, history)],
    [
      'Budget',
      status?.budgetSpentPercent === undefined
        ? undefined
        : `${Number(status.budgetSpentPercent).toFixed(2)} % of the error budget was spent`,
    ],
    ['Message', needsPerson(incident) ? undefined : messageOf(incident)],
    ['Stalled', trueWords(incident, 'Stalled')],
  ]);
  return [
    head,
    `Evidence (${plural(spec.evidence.length, 'alert')}${spec.truncated ? ' listed; more were sent' : ''})\n${indent(evidenceTable(spec.evidence, now))}`,
    `Timeline\n${indent(timeline(incident))}`,
    queries(status?.verdict),
  ]
    .filter((part) => part)
    .join('\n\n');
};

const MEANING: Record<IncidentPhase, string> = {
  Open: 'the evidence is stored, nothing is judged yet',
  Judging: 'Prometheus is queried until there is a verdict',
  RollingBack: 'the last good release is being applied',
  Verifying: 'the last good release is applied; its pods and the burn are watched',
  Recovered: 'closed, the rollback helped',
  Dismissed: 'closed, the reason stands below',
  Observed: 'closed, the policy lets nothing be done',
};

const POLICY = {
  Auto: 'Auto: rolls back by itself',
  Approve: 'Approve: rolls back when a person approves',
  DryRun: 'DryRun: only says what it would do',
  Off: 'Off: only records',
} as const;

const releaseOf = (history: ReleaseHistory | undefined, number: number | undefined): Release | undefined =>
  releasesOf(history).find((release) => release.number === number);

const suspectWords = ({ spec, metadata }: Incident, history: ReleaseHistory | undefined): string => {
  if (spec.suspect === undefined) return 'none: no release of this workload is recorded';
  const release = releaseOf(history, spec.suspect.number);
  const opened = Date.parse(metadata.creationTimestamp ?? '');
  const lead = release === undefined ? Number.NaN : opened - Date.parse(release.firstSeenTime);
  return [
    `release ${spec.suspect.number}`,
    release && imagesOf(release),
    spec.suspect.commit && `commit ${shortCommit(spec.suspect.commit)}`,
    Number.isNaN(lead) || lead < 0 ? undefined : `first seen ${span(lead)} before the alert came`,
  ]
    .filter((part) => part)
    .join(', ');
};

const verdictWords = ({ result, reason, message, objectives = [] }: Verdict): string => {
  const lines = objectives.map((one) =>
    [objectives.length > 1 && `${one.name}: ${one.result} (${one.reason})`, measured(one)]
      .filter((part) => part)
      .join(', '),
  );
  return [`${result} (${reason}): ${message}`, ...lines].filter((line) => line !== '').join('\n');
};

const measured = (verdict: ObjectiveVerdict): string =>
  [
    side('suspect', verdict.newErrorRatio, verdict.newRequests),
    side('before', verdict.oldErrorRatio, verdict.oldRequests),
  ]
    .filter((part) => part)
    .join('; ');

const side = (who: string, ratio: string | undefined, requests: string | undefined): string | undefined =>
  ratio === undefined
    ? undefined
    : `${who}: ${percent(Number(ratio))} errors${requests === undefined ? '' : ` of ${Math.round(Number(requests))} requests`}`;

const queries = (verdict: Verdict | undefined): string =>
  (verdict?.objectives ?? [])
    .flatMap(({ name, query }) => (query === undefined ? [] : [`Query of ${name}\n${indent(query.trim())}`]))
    .join('\n\n');

const rollbackWords = ({ status }: Incident, history: ReleaseHistory | undefined): string | undefined => {
  const { target, holdRef } = status ?? {};
  if (target === undefined) return undefined;
  const release = releaseOf(history, target.number);
  const words = [`to release ${target.number}`, release && imagesOf(release), holdRef && `held by ${holdRef.name}`];
  return words.filter((part) => part).join(', ');
};

const nextStep = (incident: Incident): string | undefined => {
  const { spec, status, metadata } = incident;
  const at = `-n ${metadata.namespace}`;
  const workload = workloadWords(spec.workloadRef);
  if (status?.reason === 'AwaitingApproval' && needsPerson(incident))
    return `metricops approve ${metadata.name} ${at}, or metricops deny ${metadata.name} ${at}`;
  if (status?.phase === 'Verifying' && needsPerson(incident))
    return `look for another cause; to go back to Git's release: metricops lift ${workload} ${at}`;
  if (needsPerson(incident))
    return `decide yourself: metricops rollback ${workload} ${at}, or metricops deny ${metadata.name} ${at}`;
  if (status?.phase === 'Recovered')
    return `fix it in Git: a commit that changes ${workload} takes the place of the held release. Was it fine after all? metricops accept ${workload} ${at}`;
  if (status?.phase === 'Observed')
    return 'to let metricops act, set the mode to Auto (or the annotation metricops.dev/rollback=Auto)';
  return undefined;
};

const evidenceTable = (evidence: Evidence[], now: number): string =>
  table(
    ['Alert', 'Status', 'From', 'Received', 'Labels'],
    evidence.map((entry) => [
      entry.alert,
      entry.status,
      entry.source,
      `${age(entry.receivedTime, now)} ago`,
      Object.entries(entry.labels)
        .filter(([name]) => name !== 'alertname')
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
    ]),
  );

interface Step {
  at: number;
  what: string;
  message: string;
}

/** Each step with the time since the one before it. */
const timeline = (incident: Incident): string => {
  const steps = stepsOf(incident).toSorted((a, b) => a.at - b.at);
  const first = steps[0]?.at ?? 0;
  return table(
    ['Time', 'After', 'Step', 'What'],
    steps.map((step, i) => [
      new Date(step.at).toISOString().slice(11, 19),
      i === 0 ? `0.0s` : `+${leg(step.at - (steps[i - 1]?.at ?? first))}`,
      step.what,
      step.message,
    ]),
  );
};

const stepsOf = ({ spec, status }: Incident): Step[] => [
  ...spec.evidence.map((entry) => ({
    at: Date.parse(entry.receivedTime),
    what: 'Alert',
    message: `${entry.alert} received from ${entry.source}`,
  })),
  ...(status?.timeline ?? []).map(({ time, phase, reason, message }) => ({
    at: Date.parse(time),
    what: phase,
    message: reason === undefined ? message : `${reason}: ${message}`,
  })),
];
