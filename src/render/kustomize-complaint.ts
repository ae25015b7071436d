/** What kustomize says of patches, without the patch and the object: it quotes all of them. */
export const complaintIn = (stderr: string): string => {
  const [, said = stderr] = /^Error: ([\s\S]*)/m.exec(stderr) ?? [];
  return said
    .replace(/trouble configuring builtin \w+ with config: `[\s\S]*`: /, '')
    .replace(/map\[string\]interface \{\}\{[\s\S]*\}: /, '')
    .replace(/:? ?(from )?\[patch: "[\s\S]*"\]/, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, '; ');
};

/** What it says of a folder of the repository: nor what else it quotes, which may be the value of a Secret. */
export const complaintOfBuild = (stderr: string): string =>
  complaintIn(stderr)
    .replace(/(literal sources) \[.*\]: (invalid literal source) .*, (expected key=value)/, '$1: $2, $3')
    .replace(/\bline \[[\d ]*\] (has invalid utf8 bytes) ?: .*/, 'a line $1')
    .replace(/(node contents):.*/, '$1');
