import { dump, load, loadAll } from 'js-yaml';
import { SYSTEM_NAMESPACE } from '../../src/api/annotations.ts';
import { HELPERS, NOTES, type Read, templates } from './templates.ts';
import { type Defaults, type ImageName, type Resources, valuesSchema } from './values.ts';
import { valuesSchemaJson, valuesTable, valuesYaml } from './values-files.ts';

export type { ImageName } from './values.ts';

export interface ChartOptions {
  /** Of the chart and of metricops: one version for both, as they are one release. */
  version: string;
  /** Instead of those that deploy/ names. */
  images?: { controller: ImageName; sidecar: ImageName };
}

/**
 * The files of charts/metricops by their paths in it, made of deploy/: the templates are its manifests, and the values
 * have its figures as their defaults.
 */
export const chartFiles = (read: Read, { version, images }: ChartOptions): Map<string, string> => {
  const { resources: crds } = load(read('deploy/crds/kustomization.yaml')) as { resources: string[] };
  const schema = valuesSchema(defaultsOf(read, images));
  return new Map([
    ['Chart.yaml', `# ${NOTICE}\n${dump(chartOf(version), { lineWidth: -1, quoteStyle: 'double' })}`],
    ['values.yaml', `# ${NOTICE}\n\n${valuesYaml(schema)}`],
    ['values.schema.json', valuesSchemaJson(schema)],
    ['README.md', `<!-- ${NOTICE} -->\n\n${readme(valuesTable(schema))}`],
    ['templates/_helpers.tpl', HELPERS],
    ['templates/NOTES.txt', NOTES],
    ...templates(read, SYSTEM_NAMESPACE, crds),
  ]);
};

const NOTICE = 'Generated from deploy/ by `npm run generate`; do not edit.';

/** Kubernetes 1.31 to 1.34 are supported; a newer one is not refused. */
const chartOf = (version: string): object => ({
  apiVersion: 'v2',
  name: 'metricops',
  description: 'GitOps reconciler that rolls back the release that burns the error budget',
  type: 'application',
  version,
  appVersion: version,
  kubeVersion: '>=1.31.0-0',
  keywords: ['gitops', 'slo', 'rollback'],
});

interface Controller {
  replicas: number;
  template: {
    spec: { containers: { image: string; resources: Resources; env: { name: string; value?: string }[] }[] };
  };
}

const defaultsOf = (read: Read, images: ChartOptions['images']): Defaults => {
  const { data: settings } = load(read('deploy/config.yaml')) as { data: Record<string, string> };
  const objects = loadAll(read('deploy/controller.yaml')) as { kind: string; spec: Controller }[];
  const spec = objects.find(({ kind }) => kind === 'Deployment')?.spec;
  const container = spec?.template.spec.containers[0];
  const options = container?.env.find(({ name }) => name === 'NODE_OPTIONS')?.value ?? '';
  const heapMiB = Number(/^--max-old-space-size=([0-9]+)$/.exec(options)?.[1]);
  if (!spec || !container || !heapMiB)
    throw new Error('deploy/controller.yaml has no controller as the chart knows it');
  return {
    image: images?.controller ?? taggedImage(container.image),
    sidecarImage: images?.sidecar ?? taggedImage(settings.METRICOPS_SIDECAR_IMAGE ?? ''),
    namespace: SYSTEM_NAMESPACE,
    replicas: spec.replicas,
    resources: container.resources,
    heapMiB,
    settings,
  };
};

const taggedImage = (reference: string): ImageName => {
  const [repository = '', tag = ''] = reference.split(':');
  return { repository, tag, digest: '' };
};

const readme = (table: string): string => `# metricops

metricops is GitOps for Kubernetes that rolls back bad releases automatically. This chart installs what
\`kubectl apply -k\` and \`metricops install\` install: by a test, it renders the same objects.

    helm upgrade --install metricops ./charts/metricops -n metricops-system --create-namespace \\
      --set image.repository=registry.example.com/metricops --set image.tag=v1 \\
      --set sidecar.image.repository=registry.example.com/metricops-sidecar --set sidecar.image.tag=v1 \\
      --set settings.prometheusUrl=http://prometheus-operated.monitoring:9090

The chart of a release names the images of that release. The one in the source tree names those that a build of your own
has on your machine, which no registry serves.

An upgrade with helm upgrades the kinds (CRDs), too. \`helm uninstall\` leaves them, with all GitSyncs, Holds and
ReleaseHistories, and the namespace: a later installation finds them again.

What was installed with \`kubectl\` or \`metricops install\` is handed over to helm with \`--take-ownership\` (Helm 3.17 or
later).

## Values

Helm refuses a value that is not in this table.

${table}
`;
