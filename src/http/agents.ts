import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { checkedLookup } from './addresses.ts';

const CONNECT_MS = 10_000;

/** Whom a connection trusts, and what it shows. */
export interface TlsIdentity {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

/** Through the proxy of HTTPS_PROXY, HTTP_PROXY and NO_PROXY, where the controller's environment has one. */
const createAgent = ({ ca, cert, key }: TlsIdentity, env: NodeJS.ProcessEnv = process.env): Dispatcher => {
  const tls = {
    timeout: CONNECT_MS,
    lookup: checkedLookup,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
  const options = {
    // How many ask one host at a time is shared out between tenants by who calls: here it would be first come, first
    // served.
    connections: null,
    keepAliveTimeout: 10_000,
    connect: tls,
  };
  const isBehindProxy = PROXY_VARIABLES.some((name) => env[name]);
  return isBehindProxy ? new EnvHttpProxyAgent({ ...options, requestTls: tls }) : new Agent(options);
};

const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'];

const MAX_AGENTS = 100;

/** Connections to hosts that tenants name, by the CA that they trust and the certificate that they show: nearly always one. */
export interface Agents {
  of(identity: TlsIdentity | undefined): Dispatcher;
  close(): Promise<void>;
}

export const createAgents = (): Agents => {
  const agents = new Map<string, Dispatcher>();
  return {
    of({ ca, cert, key } = {}) {
      const id = JSON.stringify([ca, cert, key]);
      const agent = agents.get(id) ?? createAgent({ ca, cert, key });
      agents.delete(id);
      agents.set(id, agent);
      const [oldest] = agents.keys();
      if (agents.size > MAX_AGENTS && oldest !== undefined) {
        void agents.get(oldest)?.close(); // after what it has under way
        agents.delete(oldest);
      }
      return agent;
    },
    close: async () => void (await Promise.all([...agents.values()].map((agent) => agent.destroy()))),
  };
};
