import type { KubeObject } from './meta.ts';

/**
 * Something that happened to an object, for whoever follows it from outside. Kubernetes Events are made of it; what
 * tells one occurrence from another is in fields, so that no reader takes a message apart.
 */
export interface Occurrence {
  regarding: KubeObject;
  related?: KubeObject;
  /** CamelCase, from the catalogue of reasons. */
  reason: string;
  /** As Flux has it: warning where a person should look, info where nothing is to be done. */
  severity: 'info' | 'warning';
  /** What the controller was doing. */
  action:
    | 'Judge'
    | 'Notify'
    | 'Correct'
    | 'Delete'
    | 'Generate'
    | 'Hold'
    | 'Inject'
    | 'Record'
    | 'Report'
    | 'Rollback'
    | 'Sync'
    | 'Trust';
  /** For people; never the value of a Secret. */
  message: string;
  /** Git revision, `ref@commit`. */
  revision?: string | undefined;
  /** Number in the ReleaseHistory. */
  release?: number | undefined;
  /** Name of the Incident, in the namespace of `regarding`. */
  incident?: string | undefined;
}

/** Never throws and is not waited for: an occurrence that is lost must not cost what it reports. */
export type Occurred = (occurrence: Occurrence) => void;
