/** A ServiceAccount of Kubernetes. */
export interface Account {
  namespace: string;
  name: string;
}

/** Of a role of AWS, for an hour at most. */
export interface AwsKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

/** Where something of AWS is asked. */
export interface AwsPlace {
  region: string;
  /** `amazonaws.com`; another one in China. */
  suffix: string;
}

/** What an exchange brought, and until when it is good, in ms since the epoch. */
export interface Issued<T> {
  value: T;
  until: number;
}

export const nameOf = ({ namespace, name }: Account): string => `ServiceAccount ${namespace}/${name}`;
