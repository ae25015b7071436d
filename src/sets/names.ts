import { hashOf } from '../snapshot/index.ts';

/** Of a DNS label, and of a label's value. */
const MAX = 63;

/** Cut, with a hash of the whole, where it is too long for a label. */
export const shorten = (text: string, whole = text): string =>
  text.length <= MAX ? text : `${text.slice(0, 52).replace(/[^a-zA-Z0-9]+$/, '')}-${hashOf(whole).slice(0, 10)}`;

/** The DNS-1123 label nearest to a text; '' when it has neither letter nor digit. */
export const dnsLabel = (text: string): string =>
  shorten(
    text
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, '-')
      .replace(/^-+|-+$/g, ''),
    text,
  );
