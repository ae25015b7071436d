import { createHmac } from 'node:crypto';
import type { GitSync } from '../../api/gitsync.ts';
import { ReasonError } from '../../api/reason-error.ts';
import type { ReadVariables, Variable } from '../../render/index.ts';
import type { Asked, ConfigTexts, Texts } from './config-texts.ts';

export interface VariablesReader {
  /** undefined where the GitSync substitutes nothing. Rejects with ReasonError, or with KubeError. */
  of(sync: GitSync): Promise<ReadVariables | undefined>;
}

const NAME = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const ASKED: Asked = {
  field: 'spec.postBuild.substituteFrom',
  missing: 'VariablesNotFound',
  tooLarge: 'SubstitutionFailed',
};

/** The variables of GitSyncs. */
export const createVariables = (
  configs: Pick<ConfigTexts, 'read'>,
  { digestKey }: { digestKey: Uint8Array },
): VariablesReader => ({
  async of(sync) {
    const { postBuild } = sync.spec;
    if (!postBuild) return undefined;
    const values = new Map<string, Variable>();
    const add = (texts: Texts, where: string, isSecret: boolean): void => {
      for (const [name, value] of texts) {
        if (!NAME.test(name)) {
          const rule = 'a name has letters, digits and _, and begins with no digit';
          throw new ReasonError('SubstitutionFailed', `${JSON.stringify(name)} in ${where} names no variable: ${rule}`);
        }
        values.set(name, { value, isSecret });
      }
    };
    for (const from of postBuild.substituteFrom)
      add(await configs.read(sync, from, ASKED), `${from.kind} ${from.name}`, from.kind === 'Secret');
    add(Object.entries(postBuild.substitute), 'spec.postBuild.substitute', false);
    const digest = createHmac('sha256', digestKey).update(JSON.stringify([...values].toSorted(byName)));
    return { values, digest: digest.digest('hex').slice(0, 16) };
  },
});

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);
