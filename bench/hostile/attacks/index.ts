import type { Target } from '../attackers.ts';
import { callers } from './callers.ts';
import { objects } from './objects.ts';
import { repositories } from './repositories.ts';

/**
 * One attack. Resolves when it is under way; it goes on until its process ends. What it says is the last line that the
 * bench shows of it: how much it did.
 */
export type Attack = (target: Target, say: (line: string) => void) => Promise<void>;

/** By name. Each is what one tenant, one repository or one caller without rights can do by itself. */
export const attacks: Record<string, Attack> = { ...repositories, ...objects, ...callers };
