import { isSwitchedOn } from './annotation-values.ts';
import { annotations } from './annotations.ts';
import type { KubeObject } from './meta.ts';

/** Whether none of its content may be shown: a Secret, or an object into which the value of one was substituted. */
export const isConfidential = ({ apiVersion, kind, metadata }: KubeObject): boolean =>
  (apiVersion === 'v1' && kind === 'Secret') || isSwitchedOn(metadata, annotations.holdsSecret);
