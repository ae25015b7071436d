import { type Answer, answer, bodyAnswers, intakeAnswers, rateAnswer, recorderAnswers } from './answers.ts';
import type { BodyLimits } from './body.ts';
import { ALERT_BODIES, ALERTS_RATE, HOOK_BODIES, PUSH_EVERY_MS, type Rate, RECORDS_RATE } from './limits.ts';

/** The ports of the controller: plain HTTP, TLS, and the kubelet's. */
export type Listener = 'http' | 'records' | 'probes';

export interface Endpoint {
  method: 'get' | 'post';
  /** As express writes them. */
  paths: readonly string[];
  listeners: readonly Listener[];
  /** One sentence. */
  about: string;
  /** How the caller shows who it is; undefined: anybody may call. */
  authentication: string | undefined;
  /** What the body is, and its limits; undefined: none is read. */
  body: { what: string; limits: BodyLimits } | undefined;
  /** For each remote address; undefined: no limit but that of connections. */
  rate: Rate | undefined;
  answers: readonly Answer[];
}

const push = {
  method: 'post',
  listeners: ['http', 'records'],
  authentication:
    'the token of Secret `metricops-push`: `Authorization: Bearer`, `X-Gitlab-Token`, or HMAC-SHA256 of the body in `X-Hub-Signature-256`, `X-Hub-Signature`, `X-Gitea-Signature` or `X-Signature`',
  rate: undefined,
} as const;
const pushAnswers: readonly Answer[] = [
  answer(200, 'The event is no push: nothing is fetched. Body: `message`, and `syncs` that is empty.'),
  answer(
    202,
    `Body: \`syncs\`, a list of NAMESPACE/NAME that fetch now; at most once in ${PUSH_EVERY_MS / 1000} s each.`,
  ),
  answer(401, 'The token or signature is missing or wrong.', 'Unauthorized'),
];

/** Every endpoint of the controller. The listeners take their routes from it, and docs/http-api.md its tables. */
export const endpoints = {
  alerts: {
    method: 'post',
    paths: ['/api/v1/alerts'],
    listeners: ['http', 'records'],
    about: 'Takes the notifications of Alertmanager.',
    authentication: '`Authorization: Bearer` with the token of Secret `metricops-alertmanager`',
    body: { what: "JSON, version 4 of Alertmanager's webhook", limits: ALERT_BODIES },
    rate: ALERTS_RATE,
    answers: [
      ...Object.values(intakeAnswers),
      answer(400, 'The body is not JSON.', 'NotJSON'),
      answer(401, 'The token is missing or wrong.', 'Unauthorized'),
      ...bodyAnswers(ALERT_BODIES),
      rateAnswer(ALERTS_RATE),
    ],
  },
  push: {
    ...push,
    paths: ['/api/v1/push'],
    about: 'Takes a push hook of a forge: each GitSync and GitSyncSet that follows the repository fetches now.',
    body: { what: 'the hook as JSON, or as a form with the field `payload`', limits: HOOK_BODIES },
    answers: [
      ...pushAnswers,
      answer(400, 'The body is not JSON.', 'NotJSON'),
      answer(400, 'The body names no repository.', 'InvalidRequest'),
      answer(404, 'No GitSync follows the repository.', 'NotFound'),
      ...bodyAnswers(HOOK_BODIES),
    ],
  },
  pushOf: {
    ...push,
    paths: ['/api/v1/push/:namespace/:name'],
    about: 'The GitSync or GitSyncSet with this name fetches now.',
    body: { what: 'anything; it is read only to verify a signature', limits: HOOK_BODIES },
    answers: [...pushAnswers, answer(404, 'There is no such GitSync.', 'NotFound'), ...bodyAnswers(HOOK_BODIES)],
  },
  records: {
    method: 'post',
    paths: ['/api/v1/records'],
    listeners: ['records'],
    about: 'Takes the report of a recorder that its pod runs.',
    authentication:
      "`Authorization: Bearer` with the pod's projected ServiceAccount token, audience `metricops.dev/record`",
    body: undefined,
    rate: RECORDS_RATE,
    answers: [...Object.values(recorderAnswers), rateAnswer(RECORDS_RATE)],
  },
  metrics: {
    method: 'get',
    paths: ['/metrics'],
    listeners: ['http'],
    about: 'The metrics of this replica, in the text format of Prometheus; made at most once a second.',
    authentication: undefined,
    body: undefined,
    rate: undefined,
    answers: [answer(200, 'Always.')],
  },
  healthz: {
    method: 'get',
    paths: ['/healthz'],
    listeners: ['http', 'probes'],
    about: 'Whether the process works, as text.',
    authentication: undefined,
    body: undefined,
    rate: undefined,
    answers: [answer(200, 'It works.'), answer(500, 'A part hangs that only a restart helps; the text names it.')],
  },
  readyz: {
    method: 'get',
    paths: ['/readyz'],
    listeners: ['http', 'probes'],
    about: 'Whether the replica takes requests, as text.',
    authentication: undefined,
    body: undefined,
    rate: undefined,
    answers: [answer(200, 'It does.'), answer(503, 'It starts or stops.')],
  },
} as const satisfies Record<string, Endpoint>;

export type EndpointName = keyof typeof endpoints;

/** The endpoints that a listener serves. */
export const endpointsOf = (listener: Listener): [EndpointName, Endpoint][] =>
  (Object.entries(endpoints) as [EndpointName, Endpoint][]).filter(([, { listeners }]) => listeners.includes(listener));
