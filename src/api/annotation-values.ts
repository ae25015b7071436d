interface Annotated {
  annotations?: Record<string, string>;
}

/**
 * What the annotation switches: `true` and `enabled` are on, `false` and `disabled` are off, in any case. undefined where
 * it is absent or says something else: a typing error must not switch anything.
 */
export const switchOf = (metadata: Annotated | undefined, name: string): boolean | undefined => {
  const word = plain(metadata?.annotations?.[name]);
  if (word === 'true' || word === 'enabled') return true;
  return word === 'false' || word === 'disabled' ? false : undefined;
};

export const isSwitchedOn = (metadata: Annotated | undefined, name: string): boolean =>
  switchOf(metadata, name) === true;

/** The option that the annotation names, in any case and with or without dashes: `DryRun`, `dryrun`, `dry-run`. */
export const choiceOf = <Option extends string>(
  metadata: Annotated | undefined,
  name: string,
  options: readonly Option[],
): Option | undefined => {
  const word = plain(metadata?.annotations?.[name]);
  return options.find((option) => plain(option) === word);
};

/** Objects in Git may hold anything where a text belongs. */
const plain = (value: unknown): string | undefined =>
  typeof value === 'string' ? value.trim().toLowerCase().replaceAll('-', '') : undefined;
