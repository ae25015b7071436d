import type { Notification, SinkName, SinkSpec } from '../api/notification.ts';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import type { KubeClient } from '../kube/index.ts';
import { accessToSink } from './access.ts';
import type { Notice } from './notice.ts';
import { openPost, type SinkRequest } from './post.ts';
import { keyOf, readSecret, type SinkSecret, urlOf } from './sink-secret.ts';
import { cloudEvent, signatureOf } from './sinks/cloud-events.ts';
import { commitStatuses } from './sinks/commit-status.ts';
import { grafanaAnnotation } from './sinks/grafana.ts';
import { slackMessage } from './sinks/slack.ts';
import { teamsMessage } from './sinks/teams.ts';

export interface SinkPorts {
  client: Pick<KubeClient, 'get'>;
  policy: () => PlatformPolicySpec;
  /** Where the controller is installed: Notifications there are the platform's own. */
  systemNamespace: string;
  /** Value of the label that names the cluster, where one is configured. */
  clusterName: string | undefined;
  now: () => number;
}

export interface Sink {
  /** Resolves once the sink has it, or has no use for it. Rejects with SinkError. */
  send(notice: Notice): Promise<void>;
  close(): Promise<void>;
}

export const sinkName = ({ sink }: Notification['spec']): SinkName =>
  (Object.keys(sink) as SinkName[]).find((name) => sink[name] !== undefined) ?? 'cloudEvents';

/**
 * The sink of a Notification as it is to be reached now. Rejects with SinkError where its Secret or its address is refused;
 * with KubeError where the API server does not answer.
 */
export const openSink = async (notification: Notification, ports: SinkPorts): Promise<Sink> => {
  const { namespace = '' } = notification.metadata;
  const isPlatform = namespace === ports.systemNamespace;
  const secret = await readSecret(notification, ports.client);
  const { url, requestsOf } = kindOf(notification.spec.sink, secret, {
    ...ports,
    isVisible: (other) => isPlatform || other === namespace,
  });
  const access = accessToSink(url, ports.policy(), isPlatform);
  const { post, close } = openPost(access, { ca: secret['ca.crt'], now: ports.now });
  return {
    async send(notice) {
      for (const request of requestsOf(notice)) await post(request);
    },
    close,
  };
};

interface Kind {
  url: URL;
  /** None: the notice says nothing that this sink shows. */
  requestsOf: (notice: Notice) => SinkRequest[];
}

type KindPorts = Pick<SinkPorts, 'clusterName' | 'now'> & { isVisible: (namespace: string) => boolean };

const kindOf = (sink: SinkSpec, secret: SinkSecret, ports: KindPorts): Kind => {
  const { cloudEvents, slack, teams, gitHub, gitLab, gitea, grafana } = sink;
  if (cloudEvents) return ofCloudEvents(cloudEvents.url, secret, ports);
  if (slack) return ofChat(secret, slackMessage);
  if (teams) return ofChat(secret, teamsMessage);
  if (gitHub) return ofForge('gitHub', gitHub.url, secret, ports);
  if (gitLab) return ofForge('gitLab', gitLab.url, secret, ports);
  if (gitea) return ofForge('gitea', gitea.url, secret, ports);
  if (grafana) return ofGrafana(grafana, secret);
  throw new TypeError('a sink that the schema does not have');
};

const ofCloudEvents = (given: string | undefined, secret: SinkSecret, { clusterName, now }: KindPorts): Kind => {
  const url = given === undefined ? urlOf(keyOf(secret, 'address'), 'address of the Secret') : urlOf(given, 'url');
  const { token } = secret;
  return {
    url,
    requestsOf(notice) {
      const body = JSON.stringify(cloudEvent(notice, clusterName));
      const headers = {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        ...signatureOf({ id: notice.id, body }, secret, now()),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      };
      return [{ url, headers, body }];
    },
  };
};

const ofChat = (secret: SinkSecret, messageOf: (notice: Notice) => object): Kind => {
  const url = urlOf(keyOf(secret, 'address'), 'address of the Secret');
  const headers = { 'content-type': 'application/json' };
  return { url, requestsOf: (notice) => [{ url, headers, body: JSON.stringify(messageOf(notice)) }] };
};

const ofGrafana = ({ url: base, dashboardUID }: NonNullable<SinkSpec['grafana']>, secret: SinkSecret): Kind => {
  const url = urlOf(`${base.replace(/\/+$/, '')}/api/annotations`, 'url');
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${keyOf(secret, 'token')}` };
  return {
    url,
    requestsOf: (notice) => [{ url, headers, body: JSON.stringify(grafanaAnnotation(notice, dashboardUID)) }],
  };
};

const ofForge = (
  name: 'gitHub' | 'gitLab' | 'gitea',
  base: string,
  secret: SinkSecret,
  { isVisible }: KindPorts,
): Kind => {
  const url = urlOf(base, 'url');
  const token = keyOf(secret, 'token');
  return { url, requestsOf: (notice) => commitStatuses(notice, name, { url, token, isVisible }) };
};
