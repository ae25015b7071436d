import { annotations } from '../../api/annotations.ts';
import type { KubeObject } from '../../api/meta.ts';
import { type KubeClient, resources } from '../../kube/index.ts';

/** Of the policy and of its binding, as deploy/requested-by.yaml has them. */
const POLICY = { name: 'metricops-requested-by' };

interface Policy extends KubeObject {
  spec?: { failurePolicy?: string };
}

interface Binding extends KubeObject {
  spec?: { policyName?: string; validationActions?: string[] };
}

/**
 * What lets people write another's name on a Hold: a sentence for each; none where the API server refuses that.
 * Rejects with KubeError.
 */
export const requestedByGaps = async (client: KubeClient): Promise<string[]> => {
  const [policy, binding] = await Promise.all([
    client.get<Policy>(resources.admissionPolicies, POLICY),
    client.get<Binding>(resources.admissionPolicyBindings, POLICY),
  ]);
  return [...gapsOfPolicy(policy), ...gapsOfBinding(binding)];
};

const gapsOfPolicy = (policy: Policy | undefined): string[] => {
  if (!policy) return [`no ValidatingAdmissionPolicy ${POLICY.name}`];
  const { failurePolicy = 'Fail' } = policy.spec ?? {};
  return failurePolicy === 'Fail'
    ? []
    : [`ValidatingAdmissionPolicy ${POLICY.name} has failurePolicy ${failurePolicy}, not Fail`];
};

const gapsOfBinding = (binding: Binding | undefined): string[] => {
  if (!binding) return [`no ValidatingAdmissionPolicyBinding ${POLICY.name}`];
  const { policyName, validationActions = [] } = binding.spec ?? {};
  return [
    ...(policyName === POLICY.name ? [] : [`ValidatingAdmissionPolicyBinding ${POLICY.name} binds ${policyName}`]),
    ...(validationActions.includes('Deny')
      ? []
      : [
          `ValidatingAdmissionPolicyBinding ${POLICY.name} denies nothing: its actions are ${validationActions.join(', ')}`,
        ]),
  ];
};

/** What the gaps mean. */
export const GAP_MEANS = `a Hold can say any name in ${annotations.requestedBy}`;
