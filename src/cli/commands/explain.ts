import type { Incident, IncidentPhase, Verdict } from '../../api/incident.ts';
import type { ReleaseHistory } from '../../api/release-history.ts';
import { replay } from '../../judge/index.ts';
import { resources } from '../../kube/index.ts';
import {
  type IncidentView,
  incidentView,
  type ObjectiveView,
  type Side,
  type StoryStep,
} from '../../read-model/index.ts';
import { historyName } from '../../snapshot/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { nextStepWords } from '../next-step.ts';
import { facts, indent, table } from '../table.ts';
import { age, imagesOf, leg, percent, plural, shortCommit, span, workloadWords } from '../words.ts';
import { showLogs } from './explain-logs.ts';
import { reasonAndMessage } from './incidents.ts';

export const EXPLAIN_HELP = `
Shows the whole story of an incident: which alerts came, which release is suspected and why, what was measured and how it
was weighed, what was done, and how long each step took.

Examples:
  metricops explain checkout-42a0a014c0 -n shop
  metricops explain checkout-42a0a014c0 --logs
  metricops explain checkout-42a0a014c0 -o json | jq .status.timeline`;

export const explain = async (cli: Cli, name: string, { logs }: { logs?: boolean }): Promise<void> => {
  const incident = await cli.client.get<Incident>(resources.incidents, { namespace: cli.namespace, name });
  if (!incident) {
    throw new CliError(
      `There is no incident ${name} in namespace ${cli.namespace}.`,
      '`metricops incidents -A` lists them; add -n NAMESPACE.',
    );
  }
  if (logs) return showLogs(cli, incident);
  const history = await cli.client.get<ReleaseHistory>(resources.releaseHistories, {
    namespace: cli.namespace,
    name: historyName(incident.spec.workloadRef),
  });
  cli.print(incident, () =>
    [story(incidentView(incident, history), cli.io.now()), otherVerdict(incident.status?.verdict)]
      .filter((part) => part !== undefined)
      .join('\n\n'),
  );
};

/** The weights may be others than in the version that found it. */
const otherVerdict = (verdict: Verdict | undefined): string | undefined => {
  const again = verdict && replay(verdict);
  return again && again.result !== verdict.result
    ? `This version of metricops finds ${again.result} by the same numbers: ${again.message}`
    : undefined;
};

/** The incident as a page of text. */
const story = (incident: IncidentView, now: number): string => {
  const { phase, verdict, needsPerson, evidence, isTruncated, budgetSpentPercent: spent } = incident;
  const head = facts([
    ['Incident', `${incident.namespace}/${incident.name}`],
    ['Phase', `${phase}: ${MEANING[phase]}`],
    ['Needs you', needsPerson ? reasonAndMessage(incident) : undefined],
    ['Next', incident.next && nextStepWords(incident.next, incident)],
    ['Workload', workloadWords(incident.workload)],
    ['Suspect', suspectWords(incident.suspect)],
    ['Verdict', verdict && verdictWords(verdict)],
    ['Policy', incident.mode && POLICY[incident.mode]],
    ['Rollback', incident.rollback && rollbackWords(incident.rollback)],
    ['Budget', spent === undefined ? undefined : `${spent.toFixed(2)} % of the error budget was spent`],
    ['Message', needsPerson ? undefined : reasonAndMessage(incident)],
    ['Logs', logsWords(incident)],
    ['Stalled', incident.stalled],
  ]);
  return [
    head,
    `Evidence (${plural(evidence.length, 'alert')}${isTruncated ? ' listed; more were sent' : ''})\n${indent(evidenceTable(evidence, now))}`,
    `Timeline\n${indent(timelineTable(incident.timeline))}`,
    findings(verdict),
    queries(verdict),
  ]
    .filter((part) => part)
    .join('\n\n');
};

const logsWords = ({ logs, name, namespace }: IncidentView): string | undefined =>
  logs?.secret === undefined ? logs?.message : `${logs.message}\nmetricops explain ${name} -n ${namespace} --logs`;

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

const suspectWords = (suspect: IncidentView['suspect']): string => {
  if (suspect === undefined) return 'none: no release of this workload is recorded';
  const { commit, leadMs } = suspect;
  return [
    ...releaseWords(suspect),
    commit && `commit ${shortCommit(commit)}`,
    leadMs === undefined ? undefined : `first seen ${span(leadMs)} before the alert came`,
  ]
    .filter((part) => part)
    .join(', ');
};

const rollbackWords = (rollback: NonNullable<IncidentView['rollback']>): string =>
  [`to ${releaseWords(rollback).join(', ')}`, rollback.hold && `held by ${rollback.hold}`]
    .filter((part) => part)
    .join(', ');

/** `release 3`, and the images of one that the history still has. */
const releaseWords = ({ number, images }: NonNullable<IncidentView['rollback' | 'suspect']>): string[] => [
  `release ${number}`,
  ...(images ? [imagesOf({ images })] : []),
];

const verdictWords = ({ result, reason, message, objectives }: NonNullable<IncidentView['verdict']>): string => {
  const lines = objectives.map((one) =>
    [objectives.length > 1 && `${one.name}: ${one.result} (${one.reason})`, measured(one)]
      .filter((part) => part)
      .join(', '),
  );
  return [`${result} (${reason}): ${message}`, ...lines].filter((line) => line !== '').join('\n');
};

const measured = ({ suspect, before }: ObjectiveView): string =>
  [suspect && sideWords('suspect', suspect), before && sideWords('before', before)].filter((part) => part).join('; ');

const sideWords = (who: string, { errorRatio, requests }: Side): string =>
  `${who}: ${percent(errorRatio)} errors${requests === undefined ? '' : ` of ${Math.round(requests)} requests`}`;

/** What was weighed, objective by objective. */
const findings = (verdict: IncidentView['verdict']): string =>
  (verdict?.objectives ?? [])
    .filter((one) => one.findings.length > 0)
    .map(({ name, findings, score }) => {
      const rows = findings.map((each) => [each.name, signed(each.points), each.message]);
      const needed = score?.needed === undefined ? '' : `Guilty from ${signed(score.needed)} on`;
      const sum = score ? [['Score', signed(score.points), needed]] : [];
      return `Findings for ${name}\n${indent(table(['Evidence', 'Points', 'What'], [...rows, ...sum]))}`;
    })
    .join('\n\n');

const signed = (points: number): string => (points > 0 ? `+${points}` : String(points));

const queries = (verdict: IncidentView['verdict']): string =>
  (verdict?.objectives ?? [])
    .flatMap(({ name, query }) => (query === undefined ? [] : [`Query of ${name}\n${indent(query.trim())}`]))
    .join('\n\n');

const evidenceTable = (evidence: IncidentView['evidence'], now: number): string =>
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

const timelineTable = (steps: readonly StoryStep[]): string =>
  table(
    ['Time', 'After', 'Step', 'What'],
    steps.map(({ time, afterMs, what, reason, message }, i) => [
      new Date(time).toISOString().slice(11, 19),
      `${i === 0 ? '' : '+'}${leg(afterMs)}`,
      what,
      reasonAndMessage({ reason, message }),
    ]),
  );
