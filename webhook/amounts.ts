import type { AdmittedPod, Container } from './pod.ts';
import { quantity } from './quantity.ts';

/** The resources that the recorder has amounts of. */
export const NAMES = ['cpu', 'memory'] as const;
type Name = (typeof NAMES)[number];

/** In cores or bytes; undefined where nothing is said. */
export interface Amounts {
  request: number | undefined;
  limit: number | undefined;
}

export type Totals = Record<Name, Amounts>;

const read = (text: string | undefined): number | undefined => (text === undefined ? undefined : quantity(text));

/** Of one container. A limit without a request is the request, too. */
export const amountsOf = ({ resources }: Pick<Container, 'resources'>): Totals => {
  const of = (name: Name): Amounts => {
    const limit = read(resources?.limits?.[name]);
    return { request: read(resources?.requests?.[name]) ?? limit, limit };
  };
  return { cpu: of('cpu'), memory: of('memory') };
};

/**
 * Of the pod with the recorder as its last init container, as the scheduler, LimitRanger and quotas count: containers
 * and sidecars together, or the largest moment of the start. What the pod says of itself as a whole beats both.
 */
export const totalsOf = (pod: AdmittedPod, recorder?: Container): Totals => {
  const init = [...(pod.spec?.initContainers ?? []), ...(recorder ? [recorder] : [])];
  const whole = amountsOf({ ...(pod.spec?.resources ? { resources: pod.spec.resources } : {}) });
  const of = (name: Name, which: 'request' | 'limit'): number | undefined => {
    const value = (container: Container): number | undefined => amountsOf(container)[name][which];
    let sidecars: number | undefined;
    let peak: number | undefined;
    for (const container of init) {
      if (container.restartPolicy === 'Always') sidecars = add(sidecars, value(container));
      else peak = most(peak, add(sidecars, value(container)));
    }
    const together = (pod.spec?.containers ?? []).map(value).reduce(add, sidecars);
    return whole[name][which] ?? most(together, most(peak, sidecars));
  };
  const both = (name: Name): Amounts => ({ request: of(name, 'request'), limit: of(name, 'limit') });
  return { cpu: both('cpu'), memory: both('memory') };
};

const add = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0);
const most = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined && b === undefined ? undefined : Math.max(a ?? 0, b ?? 0);
