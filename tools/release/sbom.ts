import { type Component, distinct } from './components.ts';

/** Something of ours, and what of others is in it. */
export interface Product {
  name: string;
  type: 'container' | 'application';
  components: readonly Component[];
}

/** The software bill of materials of a release, as CycloneDX 1.6: https://cyclonedx.org/docs/1.6/json/ */
export const sbomOf = (version: string, epoch: number, products: readonly Product[]): string => {
  const root = `metricops@${version}`;
  const refOf = (product: Product): string => `${product.name}@${version}`;
  const components = distinct(products.flatMap(({ components: all }) => all));
  const bom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      timestamp: new Date(epoch * 1000).toISOString(),
      component: { type: 'application', 'bom-ref': root, name: 'metricops', version, ...licensed('Apache-2.0') },
    },
    components: [
      ...products.map((product) => ({ type: product.type, 'bom-ref': refOf(product), name: product.name, version })),
      ...components.map(({ name, version: own, purl, license }) => ({
        type: 'library',
        'bom-ref': purl,
        name,
        version: own,
        purl,
        ...licensed(license),
      })),
    ],
    dependencies: [
      { ref: root, dependsOn: products.map(refOf) },
      ...products.map((product) => ({
        ref: refOf(product),
        dependsOn: distinct(product.components).map(({ purl }) => purl),
      })),
    ],
  };
  return `${JSON.stringify(bom, null, 2)}\n`;
};

/** An expression needs another field than an identifier. */
const licensed = (license: string | undefined): object => {
  if (license === undefined) return {};
  return { licenses: [/ (OR|AND|WITH) /.test(license) ? { expression: license } : { license: { id: license } }] };
};
