import type { Sources } from './imports.ts';
import type { Finding } from './rules.ts';

/** A decision that one module takes; `pattern` is what a second module would have to read to take it again. */
interface Decision {
  what: string;
  pattern: RegExp;
  /** Files, or folders with a slash at the end. */
  allowed: readonly string[];
  /** What everybody else calls. */
  instead: string;
}

export const DECISIONS: readonly Decision[] = [
  {
    what: 'which release runs',
    pattern: /\bannotations\.sourceDigest\b|\bliveDigest\(/,
    allowed: [
      'src/snapshot/',
      // Who wrote it, not what it says.
      'src/ssa/template-writers.ts',
      // Writes it, and takes it off.
      'src/sync/apply/prepare.ts',
      'src/sync/inventory/release-ownership.ts',
      // Of ReplicaSets: which release a pod is of.
      'src/release/identity.ts',
      // Whether an apply changed anything.
      'src/holds/apply-snapshot.ts',
      // What a person's undo brought back: the history and its snapshot confirm it.
      'src/holds/manual-undo.ts',
    ],
    instead: 'runningRelease or recordedDigest of src/snapshot/running.ts',
  },
  {
    what: 'which release was good last',
    pattern: /\.goodTime\b|\bnewestGood\(/,
    allowed: ['src/release/'],
    instead: 'selectLastGood of src/release',
  },
  {
    what: 'is this digest rejected',
    pattern: /\brejectedDigests\??\.includes\(|[=!]== 'Rejected'/,
    allowed: [
      'src/holds/rules.ts',
      // Of a release, as the history has it.
      'src/api/release-history.ts',
      'src/release/',
      // Which Hold was created after another one was lifted.
      'src/cli/commands/lift.ts',
      // What people read.
      'src/read-model/release.ts',
      'src/cli/commands/history.ts',
    ],
    instead:
      'rejects, isDigestRejected or rejectionsOf of src/holds/rules.ts, or isRuledOut of src/api/release-history.ts',
  },
  {
    what: 'is it rolled out',
    pattern: /\b(updatedReplicas|updatedNumberScheduled)\b/,
    allowed: ['src/health/'],
    instead: 'rolloutOf or isRolledOut of src/health/rollout.ts',
  },
  {
    what: 'is it opted in',
    pattern: /\b(annotations|labels)\.inject\b/,
    allowed: [
      'src/api/optin.ts',
      // What the API server asks the webhook about, and what the webhook carries into the template.
      'webhook/configuration.ts',
      'webhook/annotation-propagation.ts',
      'webhook/decide.ts',
      // It is no part of a release, but the object is applied again where it changes.
      'src/snapshot/digest.ts',
      'src/sync/drift/watch.ts',
      // Asks the webhook for a pod that is never made.
      'src/cli/commands/check.ts',
      // Names the annotation that a person can set.
      'src/slo/workload-path.ts',
    ],
    instead: 'isWorkloadOptedIn or isPodOptedIn of src/api/optin.ts',
  },
  {
    what: 'by which labels an alert reaches a workload',
    pattern: /\bannotations\.alerts\b/,
    // A release remembers the text, whatever it means.
    allowed: ['src/slo/match.ts', 'src/release/assessments.ts'],
    instead: 'waysTo or createMatcher of src/slo',
  },
  {
    what: 'did the webhook miss it',
    pattern: /\bannotations\.injection\b|'metricops-recorder'/,
    // The webhook writes that word, it is no part of a release, and the sidecar calls itself so.
    allowed: ['src/api/injection.ts', 'webhook/', 'src/snapshot/digest.ts', 'sidecar/post.ts'],
    instead: 'injectionOf of src/api/injection.ts',
  },
  {
    what: 'how many did the webhook miss',
    pattern: /\bmissedInjections\.(set|inc|dec)\b/,
    allowed: ['src/release/missed-injections.ts'],
    instead: 'the count of the leader, which alone writes this gauge',
  },
  {
    what: 'what does the platform allow',
    pattern: /\b(PLATFORM_POLICY_NAME|unrestrictedPolicy)\b/,
    allowed: ['src/api/', 'src/policy/platform-policy.ts'],
    instead: 'PlatformPolicyWatch.current of src/policy/platform-policy.ts',
  },
  {
    what: 'does an incident need a person',
    pattern: /'NeedsPerson'/,
    // The column of kubectl; what an alert about an incident says, and since when.
    allowed: ['src/incident/', 'src/api/crd.ts', 'src/notify/incident-state.ts', 'src/notify/incident-alert.ts'],
    instead: 'needsPerson of src/incident, or awaitsPerson of src/read-model for all kinds',
  },
  {
    what: 'which kinds are ours',
    pattern: /'(gitsyncs|gitsyncsets|platformpolicies|releasehistories)'/,
    allowed: ['src/api/crd.ts'],
    instead: 'kinds of src/api/crd.ts, or resources of src/kube',
  },
  {
    what: 'how a Hold is made',
    pattern: /^ +kind: 'Hold',$/m,
    // The kind itself.
    allowed: ['src/holds/new-hold.ts', 'src/api/crd.ts'],
    instead: 'newRollback, newAcceptance, newDenial, proposedHold or changedRollback of src/holds',
  },
  {
    what: 'is it a system namespace',
    pattern: /'kube-system'/,
    // The selector that keeps the API server from asking.
    allowed: ['src/api/system-namespace.ts', 'webhook/configuration.ts'],
    instead: 'isSystemNamespace of src/api/system-namespace.ts',
  },
];

/** Modules that read what only one place is to judge by. Tests are free. */
export const decidedTwice = (sources: Sources, decisions: readonly Decision[] = DECISIONS): Finding[] =>
  decisions.flatMap(({ what, pattern, allowed, instead }) =>
    [...sources].flatMap(([file, text]) => {
      const isAllowed = allowed.some((path) => (path.endsWith('/') ? file.startsWith(path) : file === path));
      if (isAllowed || file.endsWith('.test.ts')) return [];
      const line = text.split('\n').findIndex((each) => pattern.test(each)) + 1;
      if (line === 0) return [];
      const message = `${file}:${line}: decides "${what}" a second time; use ${instead}`;
      return [{ id: `${what}: ${file}`, message }];
    }),
  );
