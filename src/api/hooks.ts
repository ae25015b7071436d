const ARGO_CD = 'argocd.argoproj.io/hook';
const HELM = 'helm.sh/hook';

/** Objects in Git may hold anything where a map or a text belongs. */
interface Annotated {
  annotations?: Record<string, unknown> | null;
}

/** What an object says of when it is run, in the words of the tool whose annotation it has. */
export interface SaidHook {
  tool: 'Argo CD' | 'Helm';
  /** `PreSync`; `pre-install`, `pre-upgrade`. */
  words: readonly string[];
}

/** undefined for an ordinary object. Argo CD's own annotation counts before Helm's, as there. */
export const hookSaidBy = ({ annotations }: Annotated): SaidHook | undefined => {
  const words = listIn(annotations?.[ARGO_CD]);
  if (words.length > 0) return { tool: 'Argo CD', words };
  const ofHelm = listIn(annotations?.[HELM]);
  return ofHelm.length > 0 ? { tool: 'Helm', words: ofHelm } : undefined;
};

/** Git keeps it, and nobody applies it. */
export const isSkipped = (metadata: Annotated): boolean => {
  const said = hookSaidBy(metadata);
  return said?.tool === 'Argo CD' && said.words.includes('Skip');
};

/** When hooks run: before anything of a revision is applied, when all of it is healthy, and when it failed. */
export const HOOK_PHASES = ['PreSync', 'PostSync', 'SyncFail'] as const;
export type HookPhase = (typeof HOOK_PHASES)[number];

/** A phase in which a hook runs; with `only` at the first sync of a chart, or at all others. */
export interface HookTime {
  phase: HookPhase;
  only?: 'install' | 'upgrade';
}

const TIMES: Readonly<Record<string, HookTime>> = {
  PreSync: { phase: 'PreSync' },
  PostSync: { phase: 'PostSync' },
  SyncFail: { phase: 'SyncFail' },
  'pre-install': { phase: 'PreSync', only: 'install' },
  'pre-upgrade': { phase: 'PreSync', only: 'upgrade' },
  'post-install': { phase: 'PostSync', only: 'install' },
  'post-upgrade': { phase: 'PostSync', only: 'upgrade' },
};

/** When a word of a hook says that it is run; undefined: never, here. */
export const timeOf = (word: string): HookTime | undefined => (Object.hasOwn(TIMES, word) ? TIMES[word] : undefined);

/** Those that run when a release follows another one: not at the first install, a test, a deletion or a rollback. */
const ON_UPGRADE = ['pre-upgrade', 'post-upgrade', 'PreSync', 'Sync', 'PostSync'];

/** The word by which it runs at each upgrade; undefined: it does not. */
export const upgradeWordOf = (metadata: Annotated): string | undefined =>
  hookSaidBy(metadata)?.words.find((word) => ON_UPGRADE.includes(word));

const WEIGHT = 'helm.sh/hook-weight';

/** Of a hook of Helm; 0 where it is no whole number. */
export const helmWeightOf = ({ annotations }: Annotated): number => {
  const text = String(annotations?.[WEIGHT] ?? '').trim();
  return /^[+-]?[0-9]{1,9}$/.test(text) ? Number(text) : 0;
};

const DELETE_POLICIES = ['argocd.argoproj.io/hook-delete-policy', 'helm.sh/hook-delete-policy'];

/** After which end a hook is deleted. Before it runs once more, what is left of it always is. */
export const deletedAfter = ({ annotations }: Annotated): { succeeded: boolean; failed: boolean } => {
  const words = DELETE_POLICIES.flatMap((name) => listIn(annotations?.[name]));
  const has = (...names: string[]): boolean => names.some((name) => words.includes(name));
  return { succeeded: has('HookSucceeded', 'hook-succeeded'), failed: has('HookFailed', 'hook-failed') };
};

/** Of a list that commas separate. */
const listIn = (value: unknown): string[] =>
  String(value ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
