import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A Prometheus for hundreds of rollbacks: it answers the queries of an objective by what the bench says of each
 * service. One contract holds it to the real one: the same objective is judged by a real Prometheus in bench `loop`.
 */
export interface StandIn {
  url: string;
  /** From now on (or no longer) a fifth of the service's requests fail. */
  setBurning(service: string, burning: boolean): void;
  close(): Promise<void>;
}

const REQUESTS_PER_SECOND = 100;
const FAILING_SHARE = 0.2;

const stepsOf = (start: number, end: number, step: number): number[] =>
  Array.from({ length: Math.floor((end - start) / step + 1e-6) + 1 }, (_, i) => start + i * step);

export const startStandIn = async (): Promise<StandIn> => {
  const burningSince = new Map<string, number>();
  const rateOf = (query: string, at: number): number => {
    const service = /service="([^"]+)"/.exec(query)?.[1] ?? '';
    if (!query.includes('5..')) return REQUESTS_PER_SECOND;
    return at >= (burningSince.get(service) ?? Number.POSITIVE_INFINITY) ? REQUESTS_PER_SECOND * FAILING_SHARE : 0;
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const parameter = (name: string): string | null => form.get(name) ?? searchParams.get(name);
    const at = Number(parameter('time') ?? Date.now() / 1000) * 1000;
    const query = parameter('query') ?? '';
    const valueAt = (time: number): [number, string] => [time / 1000, String(rateOf(query, time))];
    const [start, end, step] = ['start', 'end', 'step'].map((name) => Number.parseFloat(parameter(name) ?? '') * 1000);
    const data =
      start === undefined || end === undefined || !step
        ? { resultType: 'vector', result: [{ metric: {}, value: valueAt(at) }] }
        : { resultType: 'matrix', result: [{ metric: {}, values: stepsOf(start, end, step).map(valueAt) }] };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ status: 'success', data }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setBurning(service, burning) {
      if (burning) burningSince.set(service, Date.now());
      else burningSince.delete(service);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
