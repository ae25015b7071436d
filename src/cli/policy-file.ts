import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { API_VERSION } from '../api/annotations.ts';
import { type RollbackPolicy, type RollbackPolicySpec, rollbackPolicySpec } from '../api/rollback-policy.ts';
import { type PlacedObject, parsePlaced } from '../render/index.ts';
import type { Local } from './context.ts';
import { CliError } from './io.ts';

/**
 * The RollbackPolicies of a file, or of standard input (`-`), with the defaults that the API server would set. Objects of
 * other kinds are left out. Throws CliError, or ReasonError where it is not YAML; both name file and document.
 */
export const readPolicies = async ({ io, namespace }: Local, path: string): Promise<RollbackPolicy[]> => {
  const file = path === '-' ? 'standard input' : path;
  const text = path === '-' ? await io.input() : await readFile(path, 'utf8').catch(notRead(path));
  return parsePlaced(text, file)
    .filter(({ object }) => object.kind === 'RollbackPolicy')
    .map((placed) => policyOf(placed, namespace));
};

const notRead =
  (path: string) =>
  (cause: NodeJS.ErrnoException): never => {
    throw new CliError(
      `${path} can not be read: ${cause.code ?? cause.message}.`,
      'Name a file, or - for standard input.',
    );
  };

const policyOf = ({ object, place }: PlacedObject, asked: string | undefined): RollbackPolicy => {
  const at = `${place} (RollbackPolicy ${object.metadata.name})`;
  if (object.apiVersion !== API_VERSION)
    throw new CliError(`${at} has apiVersion ${object.apiVersion}.`, `Write apiVersion: ${API_VERSION}.`);
  const spec = rollbackPolicySpec.safeParse(object.spec);
  const problem = spec.success ? halfMeasured(spec.data) : wordsOf(spec.error);
  if (!spec.success || problem !== undefined)
    throw new CliError(`${at}: ${problem}`, 'docs/reference.md#rollbackpolicy has every field.');
  const namespace = namespaceOf(object.metadata.namespace, asked, at);
  return { ...object, metadata: { ...object.metadata, namespace }, spec: spec.data };
};

const wordsOf = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => `${z.core.toDotPath(['spec', ...path])}: ${message}`).join('; ');

/** The API server refuses it by a rule of its own; here it would only be left out. */
const halfMeasured = ({ objectives }: RollbackPolicySpec): string | undefined => {
  const half = objectives.find(({ target, indicator }) => (target === undefined) !== (indicator === undefined));
  return half && `objective ${half.name}: target and indicator go together: set both, or neither`;
};

/** As `kubectl apply -n` has it. */
const namespaceOf = (own: string | undefined, asked: string | undefined, at: string): string => {
  if (own !== undefined && asked !== undefined && own !== asked)
    throw new CliError(`${at} is of namespace ${own}, not ${asked}.`, 'Leave -n out.');
  const namespace = own ?? asked;
  if (namespace === undefined)
    throw new CliError(
      `${at} names no namespace, and the rules need one.`,
      'Set metadata.namespace, or give -n NAMESPACE.',
    );
  return namespace;
};
