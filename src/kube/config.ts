import { existsSync, readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';

/** How to reach one API server. Certificates and keys are PEM texts. */
export interface Connection {
  server: string;
  /** A function where it may be rotated: asked at every new connection. */
  ca?: string | (() => string) | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  /** Asked before every request; answers from its own cache. */
  token?: (() => Promise<string | undefined>) | undefined;
  insecure?: boolean | undefined;
  /** Name on the server's certificate where it is not that of the URL. */
  serverName?: string | undefined;
  /** Namespace of the context, or of the pod. */
  namespace: string;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** The kubelet rotates the token at 80 % of its hour; a minute is often enough to ask. */
const TOKEN_TTL_MS = 60_000;

export interface ConnectionOptions {
  kubeconfig?: string | undefined;
  context?: string | undefined;
}

/** As kubectl: the given file and context, KUBECONFIG, ~/.kube/config, or else the pod that this runs in. */
export const loadConnection = async (options: ConnectionOptions = {}): Promise<Connection> => {
  const isNamed = [options.kubeconfig, options.context, process.env.KUBECONFIG].some((value) => value !== undefined);
  const inPod = process.env.KUBERNETES_SERVICE_HOST !== undefined;
  if (inPod && !isNamed && !existsSync(join(homedir(), '.kube/config'))) return podConnection(process.env);
  return kubeconfigConnection(options);
};

/**
 * By hand, so that the controller never pays for the client library: 90 MB and 400 ms.
 * @param folder where the kubelet puts token, namespace and CA bundle, and renews them
 */
export const podConnection = (env: NodeJS.ProcessEnv, folder = SERVICE_ACCOUNT): Connection => {
  const host = env.KUBERNETES_SERVICE_HOST ?? '';
  let cached = { token: '', readAt: 0 };
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${env.KUBERNETES_SERVICE_PORT ?? '443'}`,
    ca: () => readFileSync(`${folder}/ca.crt`, 'utf8'),
    namespace: readFileSync(`${folder}/namespace`, 'utf8').trim(),
    async token() {
      const now = Date.now();
      if (now - cached.readAt > TOKEN_TTL_MS) {
        cached = { token: readFileSync(`${folder}/token`, 'utf8').trim(), readAt: now };
      }
      return cached.token;
    },
  };
};

const kubeconfigConnection = async (options: ConnectionOptions): Promise<Connection> => {
  const library = await import('@kubernetes/client-node');
  const config = new library.KubeConfig();
  if (options.kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(options.kubeconfig);
  if (options.context !== undefined) useContext(config, options.context);
  const cluster = config.getCurrentCluster();
  if (!cluster || isLibraryDefault(cluster)) {
    throw new Error('no kubeconfig: set KUBECONFIG, write ~/.kube/config, or name a context with --context');
  }
  if (cluster.proxyUrl) throw new Error(`cluster "${cluster.name}" has a proxy-url, which is not supported`);
  // Files, inline data, exec plugins and OIDC are the library's business.
  const { ca, cert, key, servername, rejectUnauthorized, headers } = await tlsAndHeaders(config);
  const user = config.getCurrentUser();
  const fixed = user?.exec === undefined && user?.authProvider === undefined ? user?.token : undefined;
  return {
    server: cluster.server,
    ca: ca?.toString(),
    cert: cert?.toString(),
    key: key?.toString(),
    insecure: rejectUnauthorized === false,
    serverName: servername,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    token: fixed !== undefined ? async () => fixed : headers.Authorization !== undefined ? renewing(config) : undefined,
  };
};

const useContext = (config: KubeConfig, context: string): void => {
  const names = config.getContexts().map((c) => c.name);
  if (!names.includes(context)) {
    throw new Error(`no context "${context}" in the kubeconfig; there are: ${names.join(', ') || 'none'}`);
  }
  config.setCurrentContext(context);
};

/** The address that the library makes up when it finds no kubeconfig. */
const isLibraryDefault = ({ name, server }: { name: string; server: string }): boolean =>
  name === 'cluster' && server === 'http://localhost:8080';

const tlsAndHeaders = async (config: KubeConfig) => {
  const options: RequestOptions & { headers: { Authorization?: string } } = { headers: {} };
  await config.applyToHTTPSOptions(options);
  return options as typeof options & Record<'ca' | 'cert' | 'key', Buffer | string | undefined>;
};

/** A plugin knows when its token ends; it is asked by one request for all that come in the same seconds. */
const PLUGIN_TTL_MS = 5_000;

const renewing = (config: KubeConfig): (() => Promise<string | undefined>) => {
  let last: { answer: Promise<string | undefined>; at: number } | undefined;
  return () => {
    const now = performance.now();
    if (!last || now - last.at > PLUGIN_TTL_MS) {
      const asked = tlsAndHeaders(config).then(({ headers }) => headers.Authorization?.replace(/^Bearer /, ''));
      asked.catch(() => {
        last = undefined;
      });
      last = { answer: asked, at: now };
    }
    return last.answer;
  };
};
