import type { RequestHandler } from 'express';
import type { Bodies } from './body.ts';
import { jsonOf } from './middleware.ts';
import { Problem } from './problem.ts';
import { normalUrl, otherEventOf, payloadOf, repositoriesOf, trustOf } from './push.ts';
import { isSame, signatureOf } from './secret.ts';
import type { PushTarget, ServerPorts } from './types.ts';

export interface PushPorts extends Pick<ServerPorts, 'push' | 'secrets'> {
  /** Hooks that are proved by a header meet none that are not. */
  bodies: { proved: Bodies; signed: Bodies };
  prove(request: Parameters<RequestHandler>[0]): void;
  /** Passes on what comes for one target within a while as one. */
  coalesced(target: string, work: () => Promise<void>): Promise<void>;
}

/** A push hook of a forge: makes what follows the repository, or the named GitSync, fetch now. */
export const takePush =
  ({ push, secrets, bodies, prove, coalesced }: PushPorts): RequestHandler =>
  async (request, response) => {
    const { namespace, name } = request.params as { namespace?: string; name?: string };
    const secret = await secrets.push();
    const trust = secret === undefined ? 'none' : trustOf(request.headers, secret);
    if (secret === undefined || trust === 'none') throw untrusted();
    let body: Buffer | undefined;
    if (trust === 'proved') {
      prove(request);
      if (name === undefined) body = await bodies.proved.read(request, response); // else the path says it all
    } else {
      body = await bodies.signed.read(request, response);
      if (!isSame(trust.signature, signatureOf(body, secret))) throw untrusted();
    }
    const other = otherEventOf(request.headers);
    if (other !== undefined) {
      response.json({ syncs: [], message: `Only pushes make a GitSync fetch; this is "${other.slice(0, 100)}".` });
      return;
    }
    const isMeant: (target: PushTarget) => boolean =
      body === undefined || name !== undefined
        ? (target) => target.namespace === namespace && target.name === name
        : follows(repositoriesOf(jsonOf(payloadOf(request.headers, body))));
    const meant = [...push.targets()].filter(isMeant);
    if (meant.length === 0) {
      const message =
        name === undefined ? 'No GitSync follows this repository.' : `There is no GitSync ${namespace}/${name}.`;
      throw new Problem(404, 'NotFound', { message });
    }
    await Promise.all(meant.map((target) => coalesced(keyOf(target), () => push.request(target))));
    response.status(202).json({ syncs: meant.map((target) => `${target.namespace}/${target.name}`) });
  };

const keyOf = ({ kind = 'GitSync', namespace, name }: PushTarget): string => `${kind} ${namespace}/${name}`;

const untrusted = (): Problem =>
  new Problem(401, 'Unauthorized', { message: 'The token or signature is missing or wrong.' });

const follows = (repositories: readonly string[]): ((target: PushTarget) => boolean) => {
  if (repositories.length === 0) {
    throw new Problem(400, 'InvalidRequest', {
      message: 'The body names no repository; use /api/v1/push/NAMESPACE/NAME.',
    });
  }
  return ({ urls }) => urls.some((url) => repositories.includes(normalUrl(url)));
};
