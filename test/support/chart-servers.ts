import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

export interface ServerOptions {
  /** PEM; without them it is plain HTTP. */
  tls?: { key: string; cert: string };
  /** Whoever asks must show them. */
  credentials?: { username: string; password: string };
}

export interface TestServer {
  url: string;
  /** As `GET /index.yaml 200`, in order. */
  requests: string[];
  /** Of the last request of each path. */
  authorization: Map<string, string | undefined>;
  close(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const listen = async (handler: Handler, { tls }: ServerOptions): Promise<TestServer> => {
  const requests: string[] = [];
  const authorization = new Map<string, string | undefined>();
  const serve: Handler = (request, response) => {
    const path = (request.url ?? '').replace(/\?.*/, '');
    authorization.set(path, request.headers.authorization);
    response.on('finish', () => requests.push(`${request.method} ${path} ${response.statusCode}`));
    handler(request, response);
  };
  const server = tls ? createTlsServer(tls, serve) : createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    authorization,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const basic = ({ username, password }: NonNullable<ServerOptions['credentials']>): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

export interface ChartRepository extends TestServer {
  /** By path, as `/index.yaml`; a function answers by itself. */
  files: Map<string, string | Buffer | Handler>;
}

/** A chart repository: files over HTTP, with entity tags. */
export const startChartRepository = async (options: ServerOptions = {}): Promise<ChartRepository> => {
  const files: ChartRepository['files'] = new Map();
  const { credentials } = options;
  const server = await listen((request, response) => {
    const file = files.get((request.url ?? '').replace(/\?.*/, ''));
    if (credentials && request.headers.authorization !== basic(credentials)) {
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="charts"' }).end();
    }
    if (file === undefined) return void response.writeHead(404).end();
    if (typeof file === 'function') return file(request, response);
    const etag = `"${createHash('sha256').update(file).digest('hex')}"`;
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
    response.writeHead(200, { etag }).end(file);
  }, options);
  return { ...server, files };
};

export interface Registry extends TestServer {
  /** Where blobs are fetched, as registries that keep them in a cloud's storage answer; from itself if it is not set. */
  blobsAt: string | undefined;
  /** Who answers for its lists of tags, as registries with regions have it; itself if it is not set. */
  tagsAt: string | undefined;
}

const PAGE = 2;

/** A registry of OCI artifacts in memory that wants a token: what `helm push` and `helm pull` ask of one. */
export const startRegistry = async (options: ServerOptions = {}): Promise<Registry> => {
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, { type: string; content: Buffer }>();
  const { credentials } = options;
  const TOKEN = 'a-token-for-who-may-read';

  const api = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const [, name = '', kind = '', ref = ''] =
      /^\/v2\/(.+?)\/(blobs\/uploads|blobs|manifests|tags)\/?(.*)$/.exec(url.pathname) ?? [];
    const send = (content: Buffer | string, headers: Record<string, string> = {}): void =>
      void response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : content);
    const missing = (): void => void response.writeHead(404).end('{"errors":[]}');
    switch (`${request.method} ${kind}`) {
      case 'POST blobs/uploads':
        return void response.writeHead(202, { location: `/v2/${name}/blobs/uploads/one` }).end();
      case 'PUT blobs/uploads': {
        blobs.set(url.searchParams.get('digest') ?? '', await bodyOf(request));
        return void response.writeHead(201, { location: url.pathname }).end();
      }
      case 'PUT manifests': {
        const content = await bodyOf(request);
        const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
        const manifest = { type: request.headers['content-type'] ?? '', content };
        for (const each of [ref, digest]) manifests.set(`${name} ${each}`, manifest);
        return void response.writeHead(201, { 'docker-content-digest': digest, location: url.pathname }).end();
      }
      case 'HEAD manifests':
      case 'GET manifests': {
        const found = manifests.get(`${name} ${ref}`);
        if (!found) return missing();
        const digest = `sha256:${createHash('sha256').update(found.content).digest('hex')}`;
        return send(found.content, {
          'content-type': found.type,
          'content-length': String(found.content.length),
          'docker-content-digest': digest,
        });
      }
      case 'HEAD blobs':
      case 'GET blobs': {
        const found = blobs.get(ref);
        if (!found) return missing();
        if (registry.blobsAt !== undefined) return void response.writeHead(307, { location: registry.blobsAt }).end();
        return send(found, { 'content-length': String(found.length) });
      }
      case 'GET tags': {
        if (registry.tagsAt !== undefined) return void response.writeHead(307, { location: registry.tagsAt }).end();
        const { tags, link } = pageOf(manifests.keys(), name, url);
        return send(JSON.stringify({ name, tags }), link);
      }
      default:
        return send('{}');
    }
  };

  const server = await listen((request, response) => {
    const url = new URL(request.url ?? '/', server.url);
    const { authorization } = request.headers;
    if (url.pathname === '/token') {
      if (credentials && authorization !== basic(credentials)) return void response.writeHead(401).end();
      return void response.writeHead(200).end(JSON.stringify({ token: TOKEN }));
    }
    if (authorization !== `Bearer ${TOKEN}`) {
      const challenge = `Bearer realm="${server.url}/token",service="registry"`;
      return void response.writeHead(401, { 'www-authenticate': challenge }).end();
    }
    void api(request, response, url);
  }, options);
  const registry: Registry = { ...server, blobsAt: undefined, tagsAt: undefined };
  return registry;
};

/** Two at a time, and where the next ones are. */
const pageOf = (keys: Iterable<string>, name: string, url: URL) => {
  const last = url.searchParams.get('last') ?? '';
  const all = [...keys].filter((key) => key.startsWith(`${name} `) && !key.includes('sha256:'));
  const after = all
    .map((key) => key.slice(name.length + 1))
    .toSorted()
    .filter((tag) => tag > last);
  const tags = after.slice(0, PAGE);
  const next = `</v2/${name}/tags/list?last=${tags.at(-1)}&n=${PAGE}>; rel="next"`;
  const link: Record<string, string> = after.length > PAGE ? { link: next } : {};
  return { tags, link };
};

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};
