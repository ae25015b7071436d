/** What `helm template` says: its error, which may have several lines, without its warnings and advice. */
export const complaintIn = (stderr: string): string => {
  const errors = stderr.split(/^Error: /m);
  const [said = ''] = (errors.length > 1 ? errors.slice(1).join('') : stderr).split(/^Use --debug flag/m);
  const words = said.trim().replaceAll(/\s*\n\s*/g, '; ');
  const missing = /found in Chart\.yaml, but missing in charts\/ directory: (.*)$/.exec(words)?.[1];
  return missing === undefined
    ? shortened(words)
    : `Chart.yaml names charts that charts/ does not have: ${missing}; run \`helm dependency build\` and commit charts/`;
};

const BEGINNING = 200;
const END = 700;

/** Each include that led to an error has its words: what went wrong stands at the end. */
const shortened = (words: string): string =>
  words.length <= BEGINNING + END ? words : `${words.slice(0, BEGINNING)}… ${words.slice(-END)}`;

/** A place in a template: `web/templates/secret.yaml:12:20`. */
const PLACE = /[\w./-]+\.(?:ya?ml|tpl|json|txt)(?::\d+){0,2}/;

/** Helm quotes values in its errors, and a template may `fail` with one. Where it happened is all that can be shown. */
export const withoutValues = (why: string): string => {
  const place = PLACE.exec(why)?.[0];
  const where = place === undefined ? '' : ` at ${place}`;
  return `failed${where}; what it says may hold a value of a Secret, and is not shown`;
};
