import type { Feature, OwnClaim } from '../types.ts';

// Pages and test files that several rows name.

export const KUSTOMIZATION = 'https://fluxcd.io/flux/components/kustomize/kustomizations/';
export const GIT_REPOSITORY = 'https://fluxcd.io/flux/components/source/gitrepositories/';
export const HELM_RELEASE = 'https://fluxcd.io/flux/components/helm/helmreleases/';
export const FLUX_INSTALLATION = 'https://fluxcd.io/flux/installation/configuration/';
export const ARGO_USER = 'https://argo-cd.readthedocs.io/en/stable/user-guide/';
export const ARGO_OPERATOR = 'https://argo-cd.readthedocs.io/en/stable/operator-manual/';

const integration = (name: string): string => `test/integration/${name}.test.ts`;
export const GIT = integration('git');
export const SYNC = integration('sync');
export const CLI = integration('cli');

export type Row = Omit<Feature, 'area'>;

export const shown = (file: string, title: string, note?: string): OwnClaim => ({
  mark: 'yes',
  test: { file, title },
  ...(note === undefined ? {} : { note }),
});
export const notYet: OwnClaim = { mark: 'no' };
