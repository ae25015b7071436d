import type { Claim, Feature, OwnClaim } from '../types.ts';

// Pages and test files that several rows name.

export const KUSTOMIZATION = 'https://fluxcd.io/flux/components/kustomize/kustomizations/';
export const GIT_REPOSITORY = 'https://fluxcd.io/flux/components/source/gitrepositories/';
export const HELM_RELEASE = 'https://fluxcd.io/flux/components/helm/helmreleases/';
export const FLUX_INSTALLATION = 'https://fluxcd.io/flux/installation/configuration/';
export const ARGO_USER = 'https://argo-cd.readthedocs.io/en/stable/user-guide/';
export const FLUX_28 = 'https://fluxcd.io/blog/2026/02/flux-v2.8.0/';
export const FLUX_29 = 'https://fluxcd.io/blog/2026/06/flux-v2.9.0/';
export const ARGO_OPERATOR = 'https://argo-cd.readthedocs.io/en/stable/operator-manual/';

export const ROLLOUTS = 'https://argo-rollouts.readthedocs.io/en/stable/';
export const FLAGGER = 'https://docs.flagger.app/';

const integration = (name: string): string => `test/integration/${name}.test.ts`;
export const GIT = integration('git');
export const SYNC = integration('sync');
export const SYNC_HELM = integration('sync-helm');
export const CLI = integration('cli');

export type Row = Omit<Feature, 'area'>;

/** The question has no meaning for that project. */
export const notApplicable: Claim = { mark: 'n/a' };

export const shown = (file: string, title: string, note?: string): OwnClaim => ({
  mark: 'yes',
  test: { file, title },
  ...(note === undefined ? {} : { note }),
});
export const notYet: OwnClaim = { mark: 'no' };
