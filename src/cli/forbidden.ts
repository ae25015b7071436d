import { isForbidden } from '../kube/index.ts';

/** For `catch`: what a person may not read is left out, and every other error is one. */
export const unlessForbidden = (error: unknown): undefined => {
  if (isForbidden(error)) return undefined;
  throw error;
};
