import type { PatchOperation } from './json-patch.ts';

/** admission.k8s.io/v1, as far as it is read. */
export interface AdmissionRequest {
  uid: string;
  namespace?: string;
  operation: string;
  dryRun?: boolean;
  /** Who sends the request, as the API server knows them. */
  userInfo?: { username?: string };
  object: unknown;
  oldObject?: unknown;
}

/** What a handler decided. */
export interface Verdict {
  patch: PatchOperation[];
  /** For the audit log and the metric: a reason of the catalogue. */
  decision: string;
}

export interface AdmissionReview {
  apiVersion: 'admission.k8s.io/v1';
  kind: 'AdmissionReview';
  response: {
    uid: string;
    allowed: true;
    patchType?: 'JSONPatch';
    patch?: string;
    auditAnnotations?: Record<string, string>;
  };
}

/** undefined when the body is no AdmissionReview of version v1 with an object in it. */
export const requestOf = (body: unknown): AdmissionRequest | undefined => {
  const review = body as { apiVersion?: unknown; kind?: unknown; request?: AdmissionRequest } | undefined;
  if (review?.apiVersion !== 'admission.k8s.io/v1' || review.kind !== 'AdmissionReview') return undefined;
  const { request } = review;
  if (typeof request?.uid !== 'string' || typeof request.object !== 'object' || request.object === null)
    return undefined;
  return request;
};

/** There is no way to say no: recording a release is never worth a pod. */
export const allow = (uid: string, { patch, decision }: Verdict): AdmissionReview => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  response: {
    uid,
    allowed: true,
    ...(patch.length === 0
      ? {}
      : { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }),
    auditAnnotations: { decision },
  },
});
