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
