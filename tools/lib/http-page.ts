import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from '../../src/server/answers.ts';
import { type Endpoint, endpoints, type Listener } from '../../src/server/endpoints.ts';
import { CONNECTIONS, REQUESTS } from '../../src/server/server.ts';
import { cell } from './markdown.ts';

const TRANSPORT: Readonly<Record<Listener, string>> = { http: 'HTTP', records: 'HTTPS', probes: 'HTTP' };
const KiB = 1024;

/** docs/http-api.md: every endpoint of the controller, from the table that its listeners take their routes from. */
export const httpPage = (): string =>
  `${[head(), overview(), ...Object.values(endpoints).map(section)].join('\n\n')}\n`;

/** As deploy/controller.yaml has it, under the name of the listener. */
const portOf = (listener: Listener): string => {
  const deployment = readFileSync(join(import.meta.dirname, '../../deploy/controller.yaml'), 'utf8');
  const [, port] = new RegExp(`name: ${listener}\\s+containerPort: ([0-9]+)`).exec(deployment) ?? [];
  if (port === undefined) throw new Error(`deploy/controller.yaml has no containerPort ${listener}`);
  return port;
};

const head = (): string => `# HTTP API

The endpoints of the controller. Every replica serves all of them. [api-versions.md](api-versions.md) says what is stable, [limits.md](limits.md) has all limits, and [operations.md](operations.md#ports) says who connects to which port. Admission reviews have a port of their own, which only the API server calls.

An error of an endpoint under \`/api/\` is JSON: \`code\`, a reason of [reference.md](reference.md#reasons); \`message\`, what is wrong; and \`next\`, what to do. Match \`code\`, not the message. These are answered to any request:

| status | code | when |
|---|---|---|
| 400 | \`InvalidRequest\` | The path can not be decoded. |
| 404 | \`NotFound\` | There is no such path, or not with this method or on this port. |
| 500 | \`InternalError\` | A bug in metricops; its log has the details. |

Node.js itself answers, without a body, 431 to headers over ${REQUESTS.maxHeaderSize / KiB} KiB, and 408 to headers that are not whole in ${REQUESTS.headersTimeout / 1000} s or a request that is not whole in ${REQUESTS.requestTimeout / 1000} s. A listener holds ${CONNECTIONS.max} connections, ${CONNECTIONS.perAddress} of them of one address. Rates and limits of bodies are counted together for both ports that serve an endpoint. Hooks that show the token and hooks that are signed have the limits of bodies each for themselves.`;

const overview = (): string =>
  [
    '| endpoint | port | what it does |',
    '|---|---|---|',
    ...Object.values(endpoints).map(
      (endpoint: Endpoint) =>
        `| [\`${titleOf(endpoint)}\`](#${anchorOf(endpoint)}) | ${endpoint.listeners.map(portOf).join(', ')} | ${cell(endpoint.about)} |`,
    ),
  ].join('\n');

/** `POST /api/v1/push/NAMESPACE/NAME` */
const titleOf = ({ method, paths }: Endpoint): string =>
  `${method.toUpperCase()} ${paths.join(', ')}`.replaceAll(/:([a-z]+)/g, (_, name: string) => name.toUpperCase());

const anchorOf = (endpoint: Endpoint): string =>
  titleOf(endpoint)
    .toLowerCase()
    .replaceAll(/[^a-z0-9\- ]/g, '')
    .replaceAll(' ', '-');

const section = (endpoint: Endpoint): string => {
  const { about, listeners, authentication, body, rate, answers } = endpoint;
  const ports = listeners.map((listener) => `${portOf(listener)} (${TRANSPORT[listener]})`).join(', ');
  return [
    `## ${titleOf(endpoint)}`,
    '',
    about,
    '',
    `- **Ports**: ${ports}`,
    `- **Authentication**: ${authentication ?? 'none'}`,
    `- **Body**: ${body ? bodyWords(body) : 'none is read'}`,
    `- **Rate limit**: ${rate ? `${rate.capacity} requests at once, then ${rate.perSecond} a second, for each remote address` : 'none'}`,
    '',
    '| status | code | when |',
    '|---|---|---|',
    ...answers.toSorted((a: Answer, b: Answer) => a.status - b.status).map(row),
  ].join('\n');
};

const bodyWords = ({ what, limits }: NonNullable<Endpoint['body']>): string =>
  `${what}; at most ${mib(limits.perBody)}, whole within ${limits.deadlineMs / 1000} s. All bodies that are being read: ${mib(limits.total)}, of one address ${mib(limits.perAddress)}`;

const mib = (bytes: number): string => `${bytes / KiB / KiB} MiB`;

const row = ({ status, codes, when }: Answer): string =>
  `| ${status} | ${codes.map((code) => `\`${code}\``).join(', ')} | ${cell(when)} |`;
