import type { Guardrails } from '../../../src/api/rollback-policy.ts';
import type { Service } from './service.ts';
import type { Stage } from './stage.ts';

/** What happens in a namespace of its own, and what a user has to see at the end. */
export interface Story {
  /** Of its namespace. */
  name: string;
  /** Of its test. */
  title: string;
  /** How its services are in the first commit. */
  services: Record<string, Service>;
  /**
   * Guardrails of each service, which has an objective and traffic. undefined: none of these, there is no RollbackPolicy:
   * the annotation metricops.dev/rollback says Auto.
   */
  policy: Partial<Guardrails> | undefined;
  /** Requests a second to each service, from and to; 12 to 20 by default. */
  rate?: readonly [number, number];
  /** For how many seconds all is well before it begins; 20 by default. The longer, the later alerts fire. */
  calmSeconds?: number;
  /** From when all services run and have been well for some time. */
  run(stage: Stage): Promise<void>;
}
