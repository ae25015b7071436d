import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { isConfidential } from '../../api/confidential.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { Patching } from '../../api/patching.ts';
import type { Failure } from '../../bounded.ts';
import { withFolder, withSecretFolder } from '../copy.ts';
import { runKustomize } from '../kustomize.ts';
import { complaintIn } from '../kustomize-complaint.ts';
import type { RendererPorts } from '../types.ts';
import { type Marked, withMark } from './marks.ts';
import { asYaml, writeObjects } from './write.ts';

export interface Built {
  text: string;
  /** In the marks of the objects, and in values that stand as other text; see `withCarried`. */
  token: string;
}

export type Outcome = ({ ok: true } & Built) | ({ ok: false } & Failure);

/** Objects, and what is to be done to them, given to kustomize. */
export type Build = (objects: readonly KubeObject[], patching: Patching) => Promise<Outcome>;

/** Runs kustomize on a kustomization of these objects. Those with the value of a Secret are in memory, and on no disk. */
export const buildPatched = (
  objects: readonly KubeObject[],
  patching: Patching,
  ports: Pick<RendererPorts, 'kustomize' | 'timeoutMs' | 'bounds'>,
): Promise<Outcome> =>
  withFolder(async (dir) => {
    const token = basename(dir);
    const marked = objects.map((object, at) => withMark(object, at, token));
    const { secret = [], shown = [] } = Object.groupBy(marked, (object) =>
      isConfidential(object) ? 'secret' : 'shown',
    );
    const build = (secrets?: string): Promise<Outcome> => buildIn(dir, { shown, secrets, patching }, ports);
    if (secret.length === 0) return build();
    return withSecretFolder(async (secrets) => {
      await writeObjects(join(secrets, OBJECTS), secret, { token, maxBytes: MAX_SECRET_BYTES });
      await writeKustomization(secrets, { resources: [OBJECTS] });
      return build(secrets);
    });
  });

/** They take memory as long as kustomize runs. */
const MAX_SECRET_BYTES = 1024 * 1024;

const OBJECTS = 'objects.yaml';

const buildIn = async (
  dir: string,
  { shown, secrets, patching }: { shown: readonly Marked[]; secrets: string | undefined; patching: Patching },
  { kustomize: binary, timeoutMs, bounds }: Pick<RendererPorts, 'kustomize' | 'timeoutMs' | 'bounds'>,
): Promise<Outcome> => {
  const token = basename(dir);
  const home = join(dir, 'home');
  const folder = join(dir, 'objects');
  await mkdir(home);
  await mkdir(folder);
  const resources: string[] = [];
  if (secrets !== undefined) resources.push(relative(folder, secrets));
  if (shown.length > 0) {
    await writeObjects(join(folder, OBJECTS), shown, { token });
    resources.push(OBJECTS);
  }
  const { patches, images } = patching;
  await writeKustomization(folder, { resources, patches, images });
  const ended = await runKustomize(folder, home, { binary, timeoutMs, bounds }, complaintIn);
  if (ended.ok) return { ok: true, text: ended.stdout, token };
  return { ...ended, why: ended.why.replaceAll(`${folder}/`, '').replaceAll(folder, '.') };
};

const writeKustomization = (folder: string, kustomization: object): Promise<void> =>
  writeFile(join(folder, 'kustomization.yaml'), asYaml(JSON.stringify(kustomization)), { mode: 0o600 });
