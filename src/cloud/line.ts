import { Agent, request } from 'undici';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import { ReasonError } from '../api/reason-error.ts';
import { atMost, reasonsOf } from '../http/outgoing.ts';
import { accessTo } from '../policy/outbound.ts';

export interface LineOptions {
  clouds: PlatformPolicySpec['clouds'];
  /** The platform itself asks: then any host. */
  isPlatform: boolean;
  /** Ends all questions. */
  signal?: AbortSignal | undefined;
}

/** What a host said, or why it said nothing, in words. */
export type Said = { ok: true; status: number; text: string } | { ok: false; why: string };

/** The way to the hosts of clouds. */
export interface CloudLine {
  /** Where what has this address at the cloud is asked: there, or where the platform says instead. */
  at(address: string): URL;
  /** Of a host that stands in for one of the cloud, that one; any other is what it is. */
  standsFor(url: URL): string;
  /** Follows no redirect: a token is for one host. Rejects with ReasonError HostRefused. */
  post(url: URL, headers: Readonly<Record<string, string>>, body: string): Promise<Said>;
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER = 64 * 1024;

/** Only hosts of clouds are asked, by names that the code makes, or those that the platform puts in their place. */
export const lineTo = ({ clouds, isPlatform, signal }: LineOptions): CloudLine => {
  const places = clouds.endpoints.map(({ host, address }) => ({ host, url: new URL(address) }));
  const lookupOf = (url: URL) =>
    places.some((place) => place.url.origin === url.origin)
      ? {}
      : accessTo(url, {
          hosts: clouds.allowedHosts,
          isPlatform,
          who: 'Calls of a cloud',
          setting: 'clouds.allowedHosts',
        });
  return {
    at(address) {
      const url = new URL(address);
      const place = places.find(({ host }) => host === url.host);
      return place ? new URL(`${url.pathname}${url.search}`, place.url) : url;
    },
    standsFor: (url) => places.find((place) => place.url.origin === url.origin)?.host ?? url.host,
    async post(url, headers, body) {
      const agent = new Agent({ connections: 1, connect: { timeout: TIMEOUT_MS, ...lookupOf(url) } });
      const patience = AbortSignal.timeout(TIMEOUT_MS);
      const either = signal ? AbortSignal.any([signal, patience]) : patience;
      try {
        const answer = await request(url, { dispatcher: agent, method: 'POST', headers, body, signal: either });
        return { ok: true, status: answer.statusCode, text: await textOf(answer.body) };
      } catch (error) {
        const own = [error, (error as Error).cause].find((each) => each instanceof ReasonError);
        if (own) throw own;
        const why = either.aborted ? 'no answer in time' : reasonsOf(error);
        return { ok: false, why: `${url.host} can't be asked: ${why}` };
      } finally {
        await agent.destroy();
      }
    },
  };
};

const textOf = async (body: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Buffer[] = [];
  const tooLarge = (): Error => new Error(`it answers more than ${MAX_ANSWER} bytes`);
  for await (const chunk of atMost(body, MAX_ANSWER, { reached: (work) => work(), tooLarge })) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
};
