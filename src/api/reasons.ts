/**
 * The catalogue of condition reasons and error codes that people see. Each says what happened and what to do next.
 * A test pins it: codes are part of the interface, texts may improve.
 */
export interface CatalogueEntry {
  /** What it means, in one sentence. */
  means: string;
  /** What a person does about it. */
  next: string;
}

export const reasons = {
  Succeeded: { means: 'The revision is applied.', next: 'Nothing to do.' },
} as const satisfies Record<string, CatalogueEntry>;

export type Reason = keyof typeof reasons;
