/** Text of a manifest, or the form of it, and what stands in its place in a template of Helm. */
export type Edit = readonly [find: string | RegExp, put: string];

/**
 * A manifest of deploy/ as a template. Its comments stay. Each text has to stand in it exactly once: a manifest that
 * changed its form breaks the build instead of the chart.
 *
 * @param namespace the one of all objects; the value of the chart takes its place everywhere
 */
export const templateOf = (file: string, manifest: string, namespace: string, edits: readonly Edit[]): string => {
  // What stands there as braces is text, and no template of Helm.
  let text = manifest.replaceAll('{{', '{{ "{{" }}');
  for (const [find, put] of edits) {
    const parts = text.split(find);
    if (parts.length !== 2)
      throw new Error(
        `${file} has ${parts.length - 1} times what the chart replaces once, so change tools/chart/templates.ts:\n${find}`,
      );
    text = parts.join(put);
  }
  return text.replaceAll(namespace, '{{ .Values.namespace.name }}');
};

/** Lines that are there while the condition holds. */
export const onlyIf = (condition: string, text: string): string => `{{- if ${condition} }}\n${text}{{- end }}\n`;
