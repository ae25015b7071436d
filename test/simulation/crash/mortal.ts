import type { KubeObject } from '../../../src/api/meta.ts';
import type { Clock } from '../../../src/clock.ts';
import type { KubeClient, ResourceType } from '../../../src/kube/index.ts';

/** When a process is killed: after so many of its writes, before or after it got the answer to the last of them. */
export interface Death {
  after: number;
  answer: 'lost' | 'given';
}

/** What a process that can be killed has of the world. Once it is dead, nothing that it asks is done or answered. */
export interface Mortal {
  client: KubeClient;
  clock: Clock;
  /** From now on its writes are counted. */
  arm(death: Death | undefined): void;
  isDead(): boolean;
  /** Since it was armed, in words. */
  writes: readonly string[];
}

const never = <T>(): Promise<T> => new Promise(() => {});

export const mortalOf = (client: KubeClient, clock: Clock): Mortal => {
  let death: Death | undefined;
  let dead = false;
  const writes: string[] = [];
  const alive = async <T>(ask: () => Promise<T>): Promise<T> => {
    if (dead) return never();
    const answer = await ask();
    return dead ? never() : answer;
  };
  const write = async <T>(words: string, carryOut: () => Promise<T>): Promise<T> => {
    if (dead) return never();
    writes.push(words);
    if (death?.after !== writes.length) return alive(carryOut);
    if (death.answer === 'lost') dead = true;
    const answer = await carryOut();
    if (dead) return never();
    // What it still does with the answer in its own memory is nobody's business.
    dead = true;
    return answer;
  };
  const wordsOf = (verb: string, { kind }: ResourceType, how: { subresource?: string } = {}): string =>
    `${verb} ${kind}${how.subresource === undefined ? '' : `/${how.subresource}`}`;
  const mortal: KubeClient = {
    get: <T extends KubeObject>(...request: Parameters<KubeClient['get']>) => alive(() => client.get<T>(...request)),
    list: <T extends KubeObject>(...request: Parameters<KubeClient['list']>) => alive(() => client.list<T>(...request)),
    create: (type, object, how) =>
      how?.dryRun
        ? alive(() => client.create(type, object, how))
        : write(wordsOf('create', type), () => client.create(type, object, how)),
    replace: (type, object, how) => write(wordsOf('replace', type, how), () => client.replace(type, object, how)),
    patch: (type, name, patch, how) => write(wordsOf('patch', type, how), () => client.patch(type, name, patch, how)),
    apply: <T extends KubeObject>(...[type, object, how]: Parameters<KubeClient['apply']>) =>
      how.dryRun
        ? alive(() => client.apply<T>(type, object, how))
        : write(wordsOf('apply', type, how), () => client.apply<T>(type, object, how)),
    delete: (type, name, how) => write(wordsOf('delete', type), () => client.delete(type, name, how)),
    async *watch<T extends KubeObject>(...request: Parameters<KubeClient['watch']>) {
      for await (const event of client.watch<T>(...request)) {
        if (dead) await never();
        yield event;
      }
    },
    readLog: (...request) => alive(() => client.readLog(...request)),
    raw: (...request) => alive(() => client.raw(...request)),
    impersonate: () => mortal,
  };
  return {
    client: mortal,
    clock: {
      now: clock.now,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          clock.sleep(ms, signal).then(
            () => dead || resolve(),
            (error: unknown) => dead || reject(error),
          );
        }),
    },
    arm(how) {
      death = how;
      writes.length = 0;
    },
    isDead: () => dead,
    writes,
  };
};
