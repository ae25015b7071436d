import { gitProperties } from './git.ts';
import { outsideProperties } from './outside.ts';
import { renderProperties } from './render.ts';
import type { Property } from './run.ts';

/**
 * Of every parser of ours that reads what somebody else wrote.
 * @param dir for files
 */
export const allProperties = (dir: string): readonly Property[] => [
  ...gitProperties,
  ...renderProperties(dir),
  ...outsideProperties,
];
