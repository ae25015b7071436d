import type { Counter, Registry } from 'prom-client';
import type { Reason } from '../api/reasons.ts';
import type { Clock } from '../clock.ts';
import type { RecordAnswer } from '../release/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { SecretSource } from './secret.ts';

/** What became of an Alertmanager notification. 200 only after it is stored; 503 makes Alertmanager send it again. */
export interface AlertsAnswer {
  status: 200 | 400 | 503;
  message: string;
}

/** A GitSync, or a GitSyncSet that reads folders, to which a push may belong. */
export interface PushTarget {
  /** GitSync by default. */
  kind?: 'GitSync' | 'GitSyncSet';
  namespace: string;
  name: string;
  urls: readonly string[];
}

export interface ServerPorts {
  clock: Clock;
  log: Log;
  registry: Registry;
  /** Requests that were answered with an error: `what` is the endpoint, `result` the code of the catalogue. */
  refusedRequests: Pick<Counter<'what' | 'result'>, 'inc'>;
  /** Alerts were refused that Alertmanager does not send again. */
  onAlertsRefused?: (code: Reason) => void;
  /** Takes the parsed body, whatever it is, of an Alertmanager that knew the token. */
  alerts(body: unknown): Promise<AlertsAnswer>;
  records(token: string): Promise<RecordAnswer>;
  push: {
    targets(): Iterable<PushTarget>;
    /** Makes the GitSync, or the GitSyncSet, fetch now. */
    request(target: PushTarget): Promise<void>;
  };
  secrets: { alertmanager: SecretSource; push: SecretSource };
  /** Whether this replica takes requests. */
  isReady(): boolean;
  /** Sentences about parts of this process that only a restart helps; none where it is absent. */
  stuck?(): readonly string[];
  /** Serving certificate of the record endpoint, as the webhook's certificate keeper has it. */
  certificates: { onChange(handler: (serving: { cert: string; key: string }) => void): () => void };
}

export interface ServerOptions {
  /** 0 lets the system choose. */
  httpPort: number;
  recordsPort: number;
  probesPort: number;
  host?: string;
  /** How long requests may take to end when the server stops. */
  drainMs?: number;
}

export interface Server {
  start(): Promise<{ ports: { http: number; records: number; probes: number } }>;
  /** Bytes of bodies that are held now, of callers that proved who they are and of those that did not yet. */
  used(): { proved: number; signed: number };
  /** Takes nothing new, lets what runs end, then cuts what is left. */
  stop(): Promise<void>;
}
