import type { FileTree } from '../file-tree.ts';
import { decryptObjects } from '../sops/objects.ts';
import { encryptedAmong, verifyTexts } from '../sops/texts.ts';
import { inputsAt } from './inputs.ts';
import { KUSTOMIZATION_FILES } from './kustomization.ts';
import { kustomizeBuild } from './kustomize.ts';
import type { ManifestText } from './parse.ts';
import { patched } from './patches/patched.ts';
import type { Rendered, Renderer, RendererPorts, RenderInput } from './types.ts';

/** What `kustomize build` makes of the folder. */
export const kustomize: Renderer = {
  name: 'kustomize',
  marks: KUSTOMIZATION_FILES,
  render: (input, ports) => ports.turns.large(input.tenant ?? '', () => renderKustomized(input, ports)),
};

const renderKustomized = async (input: RenderInput, ports: RendererPorts): Promise<Rendered> => {
  const { tree, path, choice, decryption, tenant = '' } = input;
  const { kustomize: binary, timeoutMs, bounds, parser } = ports;
  const documentsOf = (manifest: { file: string; text: string }) => parser.documents(manifest, tenant);
  const { text, folders, files, links } = await kustomizeBuild(tree, path, {
    binary,
    timeoutMs,
    documentsOf,
    bounds,
    on: choice?.kustomize,
  });
  const built = { file: 'kustomize build', text, ...(decryption && { sops: 'Kept' as const }) };
  const parse = (texts: ManifestText[]) => parser.parse(texts, tenant);
  const parsed = await parse([built]);
  if (decryption) await verifyTexts(await encryptedAmong(files, (file) => contentOf(tree, file)), decryption, ports);
  const objects = decryption ? await decryptObjects(parsed, decryption, { ...ports, parse }) : parsed;
  const rendered = { objects, inputs: await inputsAt(input, folders, links), bytes: text.length };
  return patched(rendered, input, ports);
};

const contentOf = async (tree: FileTree, path: string): Promise<Uint8Array | undefined> => {
  const file = await tree.find(path);
  return file && file.mode !== 'folder' ? tree.read(file) : undefined;
};
