/** What a signature is worth. */
export interface Verdict {
  /** Good: by a trusted key, of this very content. Unknown: by a key that is not trusted. Bad: by none. */
  result: 'Good' | 'Unknown' | 'Bad';
  /** Who says that it signed: `SHA256:` and the fingerprint of an SSH key, or the id of an OpenPGP key. */
  signer: string;
}
