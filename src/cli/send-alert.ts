import { z } from 'zod';
import { CliError } from './io.ts';

const TIMEOUT_MS = 10_000;

const post = async (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  ask(url, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } });

const ask = async (url: string, init: RequestInit = {}): Promise<Response> => {
  try {
    return await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (cause) {
    const { host } = new URL(url);
    throw new CliError(
      `${host} can't be reached: ${wordsOf(cause)}.`,
      'kubectl port-forward brings it to this machine; see --help',
      { cause },
    );
  }
};

/** fetch says "fetch failed", and its cause says why. */
const wordsOf = (error: unknown): string => {
  const { cause, message = String(error) } = error as { cause?: { message?: string; code?: string }; message?: string };
  return cause?.message || cause?.code || message;
};

const base = (url: string): string => {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new CliError(`"${url}" is no http or https URL.`);
  return url.replace(/\/+$/, '');
};

/** As Alertmanager delivers it. Resolves with what the endpoint says where it refuses it. */
export const sendDirectly = async (
  url: string,
  token: string,
  labels: Record<string, string>,
  now: number,
): Promise<{ message: string; next: string } | undefined> => {
  const alert = { status: 'firing', labels, startsAt: new Date(now).toISOString() };
  const to = `${base(url)}/api/v1/alerts`;
  const answer = await post(to, { version: '4', alerts: [alert] }, { authorization: `Bearer ${token}` });
  if (answer.ok) return undefined;
  const said = problem.catch({}).parse(await answer.json().catch(() => ({})));
  const message = `${to} answered ${answer.status}: ${said.code ?? 'no reason'}${said.message === undefined ? '' : `, ${said.message}`}`;
  return { message, next: said.next ?? 'is that the endpoint of metricops? metricops check' };
};

const problem = z.object({ code: z.string().optional(), message: z.string().optional(), next: z.string().optional() });

/** What Alertmanager does with an alert. */
export interface AlertmanagerAnswer {
  receivers: string[];
  silencedBy: string[];
  inhibitedBy: string[];
}

const found = z.array(
  z.object({
    receivers: z.array(z.object({ name: z.string() })),
    status: z.object({ silencedBy: z.array(z.string()), inhibitedBy: z.array(z.string()) }),
  }),
);

/** Its API, version 2. Every method rejects with CliError. */
export const alertmanagerAt = (url: string) => {
  const alerts = `${base(url)}/api/v2/alerts`;
  const refused = async (answer: Response): Promise<CliError> =>
    new CliError(
      `Alertmanager answered ${answer.status}: ${(await answer.text()).slice(0, 300)}.`,
      'Is that the URL of an Alertmanager?',
    );
  return {
    async send(labels: Record<string, string>, times: { startsAt: number; endsAt: number }): Promise<void> {
      const alert = {
        labels,
        annotations: { summary: 'A test of the way to metricops; nothing is wrong.' },
        startsAt: new Date(times.startsAt).toISOString(),
        endsAt: new Date(times.endsAt).toISOString(),
      };
      const answer = await post(alerts, [alert]);
      if (!answer.ok) throw await refused(answer);
    },
    /** The alert with this label. undefined: Alertmanager has none. */
    async find(label: string, value: string): Promise<AlertmanagerAnswer | undefined> {
      const answer = await ask(`${alerts}?${new URLSearchParams({ filter: `${label}="${value}"` })}`);
      if (!answer.ok) throw await refused(answer);
      const [first] = found.catch([]).parse(await answer.json());
      return (
        first && {
          receivers: first.receivers.map(({ name }) => name),
          silencedBy: first.status.silencedBy,
          inhibitedBy: first.status.inhibitedBy,
        }
      );
    },
  };
};
