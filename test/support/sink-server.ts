import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import {
  cloudEvents,
  giteaStatus,
  gitHubStatus,
  gitLabStatus,
  grafanaAnnotation,
  slackMessage,
  teamsMessage,
} from './published/schemas.ts';

export interface ReceivedRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
  body: unknown;
}

export interface SinkServer {
  /** http://127.0.0.1:PORT */
  url: string;
  /** In the order in which they came. */
  received: ReceivedRequest[];
  /** Answers in place of the API, until it returns false. */
  answer: (request: ReceivedRequest, response: ServerResponse) => boolean;
  stop(): Promise<void>;
}

/** The receiving APIs, each on its own path, with the schemas that they publish: what these refuse is answered with 422. */
const APIS: { path: RegExp; schema: z.ZodType; type: string; status: number; authorization?: string }[] = [
  { path: /^\/events$/, schema: of(cloudEvents), type: 'application/cloudevents+json; charset=utf-8', status: 204 },
  { path: /^\/services\/T\/B\/x$/, schema: of(slackMessage), type: 'application/json', status: 200 },
  { path: /^\/workflows\/1\/triggers$/, schema: of(teamsMessage), type: 'application/json', status: 202 },
  {
    path: /^\/api\/v3\/repos\/shop\/web\/statuses\/[0-9a-f]{40}$/,
    schema: of(gitHubStatus),
    type: 'application/json',
    status: 201,
  },
  {
    path: /^\/api\/v4\/projects\/shop%2Fweb\/statuses\/[0-9a-f]{40}$/,
    schema: of(gitLabStatus),
    type: 'application/json',
    status: 201,
  },
  {
    path: /^\/api\/v1\/repos\/shop\/web\/statuses\/[0-9a-f]{40}$/,
    schema: of(giteaStatus),
    type: 'application/json',
    status: 201,
  },
  { path: /^\/api\/annotations$/, schema: of(grafanaAnnotation), type: 'application/json', status: 200 },
];

function of(schema: object): z.ZodType {
  return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
}

/** A real HTTP server that takes what the published API takes. */
export const startSinkServer = async (): Promise<SinkServer> => {
  const received: ReceivedRequest[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const { method = '', url: path = '', headers } = request;
    const one: ReceivedRequest = { method, path, headers, text, body: jsonOf(text) };
    received.push(one);
    if (sink.answer(one, response)) return;
    const [status, message] = judge(one);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(status === 204 ? undefined : JSON.stringify({ message }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sink: SinkServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: () => false,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return sink;
};

const judge = ({ method, path, headers, body }: ReceivedRequest): [number, string] => {
  const api = APIS.find((each) => each.path.test(path));
  if (!api) return [404, 'Not Found'];
  if (method !== 'POST') return [405, 'Method Not Allowed'];
  if (headers['content-type'] !== api.type) return [415, `content-type ${headers['content-type']}`];
  const parsed = api.schema.safeParse(body);
  return parsed.success ? [api.status, 'ok'] : [422, z.prettifyError(parsed.error)];
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
