import { readFileSync } from 'node:fs';

/** How to reach one API server. Certificates and keys are PEM texts. */
export interface Connection {
  server: string;
  ca?: string | undefined;
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

/** Connection of a pod, or of a kubeconfig (KUBECONFIG, ~/.kube/config, or the given file and context). */
export const loadConnection = async (
  options: { kubeconfig?: string | undefined; context?: string | undefined } = {},
): Promise<Connection> => {
  const inCluster =
    options.kubeconfig === undefined && options.context === undefined && process.env.KUBECONFIG === undefined;
  if (inCluster && process.env.KUBERNETES_SERVICE_HOST !== undefined) return podConnection(process.env);
  return kubeconfigConnection(options);
};

/** By hand, so that the controller never pays for the client library: 90 MB and 400 ms. */
const podConnection = (env: NodeJS.ProcessEnv): Connection => {
  const host = env.KUBERNETES_SERVICE_HOST ?? '';
  let cached = { token: '', readAt: 0 };
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${env.KUBERNETES_SERVICE_PORT ?? '443'}`,
    ca: readFileSync(`${SERVICE_ACCOUNT}/ca.crt`, 'utf8'),
    namespace: readFileSync(`${SERVICE_ACCOUNT}/namespace`, 'utf8').trim(),
    async token() {
      const now = Date.now();
      if (now - cached.readAt > TOKEN_TTL_MS) {
        cached = { token: readFileSync(`${SERVICE_ACCOUNT}/token`, 'utf8').trim(), readAt: now };
      }
      return cached.token;
    },
  };
};

const kubeconfigConnection = async (options: {
  kubeconfig?: string | undefined;
  context?: string | undefined;
}): Promise<Connection> => {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (options.kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(options.kubeconfig);
  if (options.context !== undefined) {
    if (!config.getContexts().some((c) => c.name === options.context)) {
      const known =
        config
          .getContexts()
          .map((c) => c.name)
          .join(', ') || 'none';
      throw new Error(`no context "${options.context}" in the kubeconfig; there are: ${known}`);
    }
    config.setCurrentContext(options.context);
  }
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error('no current cluster: set KUBECONFIG, or name a context with --context');
  const user = config.getCurrentUser();
  const pem = (data: string | undefined, file: string | undefined): string | undefined =>
    data !== undefined && data !== ''
      ? Buffer.from(data, 'base64').toString()
      : file
        ? readFileSync(file, 'utf8')
        : undefined;
  const usesToken = user?.token !== undefined || user?.exec !== undefined || user?.authProvider !== undefined;
  return {
    server: cluster.server,
    ca: pem(cluster.caData, cluster.caFile),
    cert: pem(user?.certData, user?.certFile),
    key: pem(user?.keyData, user?.keyFile),
    insecure: cluster.skipTLSVerify,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    token: usesToken ? () => bearerOf(config) : undefined,
  };
};

/** Exec plugins and OIDC are the library's business: it writes the header, we read it back. */
const bearerOf = async (config: {
  applyToHTTPSOptions(options: object): Promise<void>;
}): Promise<string | undefined> => {
  const options: { headers?: Record<string, string> } = {};
  await config.applyToHTTPSOptions(options);
  return options.headers?.Authorization?.replace(/^Bearer /, '');
};
