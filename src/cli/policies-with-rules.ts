import type { RollbackPolicy } from '../api/rollback-policy.ts';
import { resources } from '../kube/index.ts';
import { whyNoRules } from '../slo/index.ts';
import { listPolicies } from './commands/policies.ts';
import type { Cli, Local, Printer } from './context.ts';
import { CliError } from './io.ts';
import { readPolicies } from './policy-file.ts';

/** The policy with this name, or all that the command covers. */
export const policiesOfCluster = async (cli: Cli, name: string | undefined): Promise<RollbackPolicy[]> => {
  if (name === undefined) {
    const where = cli.scope.namespace === undefined ? 'the cluster' : `namespace ${cli.scope.namespace}`;
    return thoseWithRules(cli, await listPolicies(cli), where);
  }
  const policy = await cli.client.get<RollbackPolicy>(resources.rollbackPolicies, { namespace: cli.namespace, name });
  if (!policy)
    throw new CliError(
      `There is no RollbackPolicy ${name} in namespace ${cli.namespace}.`,
      '`kubectl get rollbackpolicies -A` lists them; add -n NAMESPACE.',
    );
  return [withRules(policy)];
};

/** Those of a file, or of standard input (`-`). Throws as readPolicies does. */
export const policiesOfFile = async (
  local: Local,
  file: string,
  name: string | undefined,
): Promise<RollbackPolicy[]> => {
  const found = await readPolicies(local, file);
  const where = file === '-' ? 'standard input' : file;
  if (name === undefined) return thoseWithRules(local, found, where);
  const named = found.filter(({ metadata }) => metadata.name === name);
  if (named.length === 0) {
    const names = found.map(({ metadata }) => metadata.name).join(', ');
    throw new CliError(`There is no RollbackPolicy ${name} in ${where}.`, `It has ${names === '' ? 'none' : names}.`);
  }
  return named.map(withRules);
};

const withRules = (policy: RollbackPolicy): RollbackPolicy => {
  const why = whyNoRules(policy);
  if (why !== undefined) throw new CliError(`There are no rules for RollbackPolicy ${policy.metadata.name}: ${why}.`);
  return policy;
};

/** Says of the others why they have none. */
const thoseWithRules = ({ io }: Printer, found: readonly RollbackPolicy[], where: string): RollbackPolicy[] => {
  for (const policy of found) {
    const why = whyNoRules(policy);
    if (why !== undefined) io.err(`no rules for ${policy.metadata.namespace}/${policy.metadata.name}: ${why}`);
  }
  const kept = found.filter((policy) => whyNoRules(policy) === undefined);
  if (kept.length === 0)
    throw new CliError(
      `No RollbackPolicy in ${where} has an objective to make rules for.`,
      'An objective needs target and indicator, and the policy targetRef: docs/objectives.md.',
    );
  return kept;
};
