import { switchOf } from '../api/annotation-values.ts';
import { annotations } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Format } from './types.ts';

/** How each value begins that sops encrypted. */
export const MARK = 'ENC[AES256_GCM,';

/**
 * Whether sops may have encrypted the text: the program knows. Every file of sops has an encrypted MAC. Not one that is to
 * stay as it is, by an annotation.
 */
export const mayBeEncrypted = (text: string): boolean =>
  text.includes(MARK) && (/(^|[\s{,])["']?sops["']?\s*:/m.test(text) || FLAT.test(text)) && !SWITCHED_OFF.test(text);

const FLUX_SWITCH = 'kustomize.toolkit.fluxcd.io/decrypt';
const SWITCHED_OFF = /\/decrypt["']?\s*:\s*["']?(disabled|false)\b/i;

/** Whether the object is to stay encrypted: a controller in the cluster decrypts it. */
const isSwitchedOff = ({ metadata }: KubeObject): boolean =>
  switchOf(metadata, annotations.decrypt) === false || switchOf(metadata, FLUX_SWITCH) === false;

/** dotenv and ini have no maps. */
const FLAT = /^(sops_mac=|\[sops\])/m;

/** Whether sops encrypted the object: no kind that Kubernetes brings along has such a field. */
export const isEncrypted = (document: object): boolean => {
  const { sops } = document as { sops?: { mac?: unknown } | null };
  return typeof sops === 'object' && sops !== null && typeof sops.mac === 'string';
};

/** Whether it is encrypted, and nobody wants it to stay so. */
export const isToDecrypt = (object: KubeObject): boolean => isEncrypted(object) && !isSwitchedOff(object);

/** The content of the entries of a Secret that are files of sops, by key. */
export const encryptedEntries = ({ data }: KubeObject): [key: string, text: string][] =>
  Object.entries((data ?? {}) as Record<string, unknown>).flatMap(([key, value]): [string, string][] => {
    const text = typeof value === 'string' ? Buffer.from(value, 'base64').toString() : '';
    return mayBeEncrypted(text) ? [[key, text]] : [];
  });

/** As sops itself and Flux tell it, by the name. */
const formatOfName = (name: string): Format | undefined => {
  if (/\.ya?ml$/.test(name)) return 'yaml';
  if (/\.json$|\.dockerconfigjson$/.test(name)) return 'json';
  if (/\.env$/.test(name)) return 'dotenv';
  return /\.ini$/.test(name) ? 'ini' : undefined;
};

/** How a file of sops is written, and how its clear text is: by the name, and otherwise as it was. */
export const formatsOf = (name: string, text: string): { format: Format; output: Format } => {
  const format = formatOfText(text);
  return { format, output: format === 'binary' ? 'binary' : (formatOfName(name) ?? format) };
};

const formatOfText = (text: string): Format => {
  if (/^\s*\{/.test(text)) return isBinary(text) ? 'binary' : 'json';
  if (/^sops_mac=/m.test(text)) return 'dotenv';
  return /^\[sops\]/m.test(text) ? 'ini' : 'yaml';
};

/** sops writes a file of no known format as JSON with two members. */
const isBinary = (text: string): boolean => {
  try {
    const { data, sops, ...rest } = JSON.parse(text) as Record<string, unknown>;
    return typeof data === 'string' && sops !== undefined && Object.keys(rest).length === 0;
  } catch {
    return false; // then the program says what it is
  }
};
