import { type Edit, onlyIf, templateOf } from './edits.ts';
import { VARIABLES } from './values.ts';

/** Reads a file of the repository by its path in it. */
export type Read = (path: string) => string;

/** Where deploy/ says what values may change. */
const CONTROLLER: readonly Edit[] = [
  [/^ {2}replicas: \d+\n/m, '  replicas: {{ .Values.replicas }}\n'],
  [
    '        kubectl.kubernetes.io/default-container: controller\n',
    `        kubectl.kubernetes.io/default-container: controller
        # The controller reads its settings when it starts.
        checksum/settings: {{ include (print $.Template.BasePath "/config.yaml") . | sha256sum | trunc 16 | quote }}
`,
  ],
  [
    '      serviceAccountName: metricops\n',
    `      serviceAccountName: metricops
${['imagePullSecrets', 'nodeSelector', 'tolerations'].map((name) => optional(name, 6)).join('')}`,
  ],
  [/\bimage: \S+\n/, 'image: {{ include "metricops.image" (list "image" .Values.image) | quote }}\n'],
  ['imagePullPolicy: IfNotPresent\n', 'imagePullPolicy: {{ .Values.image.pullPolicy }}\n'],
  [/--max-old-space-size=\d+\n/, '--max-old-space-size={{ int .Values.heapMiB }}\n'],
  [
    '              value: /etc/metricops/push/token\n',
    `              value: /etc/metricops/push/token
            {{- with .Values.env }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
`,
  ],
  [
    /^ {10}resources:\n(?: {11,}.*\n)+/m,
    `          resources:
            {{- toYaml .Values.resources | nindent 12 }}
`,
  ],
];

function optional(name: string, indent: number): string {
  const space = ' '.repeat(indent);
  return `${space}{{- with .Values.${name} }}
${space}${name}:
${space}  {{- toYaml . | nindent ${indent + 2} }}
${space}{{- end }}
`;
}

/** Without rights of the applier, a GitSync can't do without an account of its own. */
const SETTINGS: Partial<Record<keyof typeof VARIABLES, string>> = {
  requireServiceAccount: 'or .Values.settings.requireServiceAccount (eq .Values.applier.rights "None") | quote',
};

const config = (read: Read, namespace: string): string => {
  const file = 'deploy/config.yaml';
  const manifest = read(file);
  const edits: Edit[] = [...manifest.matchAll(/^ {2}([A-Z_]+): .*\n/gm)].map(([line, variable = '']) => [
    line,
    `  ${variable}: {{ ${expressionOf(file, variable)} }}\n`,
  ]);
  const proxies = (['httpsProxy', 'noProxy'] as const).map(
    (name) => `  {{- with .Values.settings.${name} }}\n  ${VARIABLES[name]}: {{ . | quote }}\n  {{- end }}\n`,
  );
  return templateOf(file, manifest, namespace, edits) + proxies.join('');
};

const expressionOf = (file: string, variable: string): string => {
  if (variable === 'METRICOPS_SIDECAR_IMAGE')
    return 'include "metricops.image" (list "sidecar.image" .Values.sidecar.image) | quote';
  const name = (Object.keys(VARIABLES) as (keyof typeof VARIABLES)[]).find((each) => VARIABLES[each] === variable);
  if (name === undefined)
    throw new Error(`${file} has ${variable}, and the chart no value for it: name it in tools/chart/values.ts`);
  return SETTINGS[name] ?? `.Values.settings.${name} | quote`;
};

/** Three objects: the role that gathers others by their label, what it begins with, and its binding. */
const applier = (read: Read, namespace: string): string => {
  const file = 'deploy/rbac/applier.yaml';
  const documents = templateOf(file, read(file), namespace, []).split('---\n');
  const [gathered, base, binding] = documents;
  if (gathered === undefined || base === undefined || binding === undefined || documents.length !== 3)
    throw new Error(
      `${file} has ${documents.length} objects, and the chart knows three: change tools/chart/templates.ts`,
    );
  const begins = onlyIf('eq .Values.applier.rights "Base"', `---\n${base}`);
  return onlyIf('ne .Values.applier.rights "None"', `${gathered}${begins}---\n${binding}`);
};

const LABELLED: Edit = [
  '    app.kubernetes.io/part-of: metricops\n',
  `    app.kubernetes.io/part-of: metricops
    {{- with .Values.monitoring.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
`,
];

/** What helm leaves where the release is uninstalled. */
const KEPT = '    helm.sh/resource-policy: keep\n';

/** The templates by their paths in the chart, each from the manifest of deploy/ that it stands for. */
export const templates = (read: Read, namespace: string, crds: readonly string[]): Map<string, string> => {
  const from = (file: string, ...edits: Edit[]): string => templateOf(file, read(file), namespace, edits);
  const kept: Edit = ['metadata:\n  name: ', `metadata:\n  annotations:\n${KEPT}  name: `];
  const monitoring = (name: string): [string, string] => [
    `monitoring/${name}`,
    onlyIf('.Values.monitoring.enabled', from(`deploy/monitoring/${name}`, LABELLED)),
  ];
  const files = new Map<string, string>([
    ['namespace.yaml', onlyIf('.Values.namespace.create', from('deploy/first/namespace.yaml', kept))],
    ...crds.map((name): [string, string] => {
      const file = `deploy/crds/${name}`;
      const [before, after] = splitOnce(file, read(file), 'metadata:\n');
      const text = `${before}metadata:\n  annotations:\n${KEPT}${after}`;
      return [`crds/${name}`, onlyIf('.Values.crds.install', templateOf(file, text, namespace, []))];
    }),
    ['rbac/controller.yaml', from('deploy/rbac/controller.yaml')],
    ['rbac/applier.yaml', applier(read, namespace)],
    ['rbac/users.yaml', from('deploy/rbac/users.yaml')],
    ['config.yaml', config(read, namespace)],
    ['controller.yaml', from('deploy/controller.yaml', ...CONTROLLER)],
    ...['service.yaml', 'networkpolicy.yaml', 'webhook.yaml', 'requested-by.yaml'].map((name): [string, string] => [
      name,
      from(`deploy/${name}`),
    ]),
    monitoring('prometheusrule.yaml'),
    monitoring('servicemonitor.yaml'),
  ]);
  return new Map([...files].map(([name, text]) => [`templates/${name}`, text]));
};

/** At the first one: a kind's schema may have a field of that name. */
const splitOnce = (file: string, text: string, separator: string): [string, string] => {
  const at = text.indexOf(separator);
  if (at < 0) throw new Error(`${file} has no ${separator.trim()}`);
  return [text.slice(0, at), text.slice(at + separator.length)];
};

/** An image as one reference. Without a repository nothing is rendered: no cluster could pull it. */
export const HELPERS = `{{- define "metricops.image" -}}
{{- $name := first . -}}
{{- $image := last . -}}
{{- $hint := printf "%s.repository is empty: push the image to a registry that your cluster pulls from, and name it with --set %s.repository=REGISTRY/NAME" $name $name -}}
{{- required $hint $image.repository -}}
{{- with $image.tag -}}:{{ . }}{{- end -}}
{{- with $image.digest -}}@{{ . }}{{- end -}}
{{- end -}}
`;

export const NOTES = `metricops is installed in {{ .Values.namespace.name }}. Next:
  1. Let Alertmanager send to http://metricops.{{ .Values.namespace.name }}.svc:8080/api/v1/alerts with the bearer token of
       kubectl -n {{ .Values.namespace.name }} get secret metricops-alertmanager -o jsonpath='{.data.token}' | base64 -d
  2. Create a GitSync, or opt a workload in:
       kubectl annotate deployment NAME metricops.dev/inject=true metricops.dev/rollback=DryRun
  3. metricops check; metricops status -A
{{- if not .Values.settings.prometheusUrl }}

settings.prometheusUrl is empty: every verdict is Inconclusive until it names your Prometheus.
{{- end }}
`;
