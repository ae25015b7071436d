import type { KubeObject } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import { decryptTexts, needsDecryption } from '../sops/texts.ts';
import { ignoredIn } from './ignored.ts';
import { inputsAt } from './inputs.ts';
import { areLarge } from './parser.ts';
import { isPatched, patched } from './patches/patched.ts';
import type { Rendered, Renderer, RendererPorts, RenderInput } from './types.ts';

const MANIFEST = /\.(ya?ml|json)$/;
/** Of all manifests of one sync. */
export const MAX_BYTES = 16 * 1024 * 1024;

/** Every YAML and JSON file below the folder that is not ignored, as it is. */
export const plain: Renderer = {
  name: 'plain',
  marks: [],
  render: (input, ports) => ports.turns.plain(input.tenant ?? '', () => renderPlain(input, ports)),
};

const renderPlain = async (input: RenderInput, ports: RendererPorts): Promise<Rendered> => {
  const { source, tree, path, decryption, tenant = '' } = input;
  const { parser, turns } = ports;
  const { ignore, inputs: ignoring } = await ignoredIn(input);
  const { oid, links, texts, bytes } = await tree.texts(path, { pattern: MANIFEST, maxBytes: MAX_BYTES, ignore });
  if (bytes > MAX_BYTES) {
    const most = `one sync takes ${MAX_BYTES}: split it into several GitSyncs`;
    throw new ReasonError('ManifestTooLarge', `the manifests in ${path} have more than ${bytes} bytes; ${most}`);
  }
  const parse = async (): Promise<KubeObject[]> =>
    parser.parse(decryption ? await decryptTexts(texts, decryption, ports) : texts, tenant);
  const isLarge = areLarge(texts) || (decryption !== undefined && needsDecryption(texts));
  const objects = isLarge ? await turns.large(tenant, parse) : await parse();
  // Without symlinks the folder's oid came with its texts.
  const inputs = links ? await inputsAt(input, [path], links) : [{ source, path, id: oid }];
  const rendered = { objects, inputs: [...inputs, ...ignoring], bytes };
  return isPatched(input) ? turns.large(tenant, () => patched(rendered, input, ports)) : rendered;
};
