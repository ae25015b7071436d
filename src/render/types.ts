import type { RenderSpec } from '../api/gitsync.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Patching } from '../api/patching.ts';
import type { Bounds } from '../bounded.ts';
import type { FairSemaphore } from '../fair-semaphore.ts';
import type { FileTree } from '../file-tree.ts';
import type { Decryption } from '../sops/types.ts';
import type { ManifestParser } from './parser.ts';

/** A folder or file that objects were made from. */
export interface Input {
  /** Identity of the source that it is in. */
  source: string;
  path: string;
  /** Of its content: the same as long as nothing in it changes. */
  id: string;
}

export interface RenderInput {
  /** Identity of the source that the tree is of. */
  source: string;
  tree: FileTree;
  /** Folder in the tree. */
  path: string;
  /** Which renderer; the first that detects its own files where nobody says. */
  choice?: RenderSpec | undefined;
  /** Files of a plain folder to leave out, as .gitignore writes them. */
  ignore?: string | undefined;
  /** What is changed in what the renderer made. */
  patching?: Patching | undefined;
  /** Keys for what sops encrypted; without them it is refused. */
  decryption?: Decryption | undefined;
  /** Whose it is, the namespace of the GitSync: tenants take turns. */
  tenant?: string;
  /** What a chart is rendered with; asked for where the folder is one. Rejects with ReasonError, or with KubeError. */
  release?: () => Promise<Release>;
}

/** What a Helm chart is rendered with, beside the files of the source. */
export interface Release {
  name: string;
  namespace: string;
  /** `.Capabilities` in the templates. */
  capabilities: Capabilities;
  /** Of ConfigMaps and Secrets; a later one wins. */
  values: readonly ValuesText[];
  /** The chart itself, where it is not in the source. */
  chart?: ChartArchive | undefined;
}

/** As it was read. */
export interface ReadRelease {
  release: Release;
  /** Of all of it, by HMAC: two with the same one are rendered alike. */
  digest: string;
}

export interface Capabilities {
  kubeVersion: string;
  /** `apps/v1`, and `apps/v1/Deployment`. */
  apiVersions: readonly string[];
}

export interface ValuesText {
  /** As messages name it: `Secret shop/web`. */
  from: string;
  text: string;
  isSecret: boolean;
}

/** What `helm package` makes of a chart. */
export interface ChartArchive {
  /** As messages name it: `web 1.2.3 of https://charts.example.com`. */
  label: string;
  version: string;
  /** Of its content: `sha256:` and hexadecimal digits. */
  digest: string;
  /** Rejects with ReasonError. */
  read(): Promise<Uint8Array>;
}

export interface Rendered {
  objects: KubeObject[];
  /** What they were made from: as long as all of it stays, a render gives the same again. */
  inputs: readonly Input[];
  /** Of the manifests. */
  bytes: number;
  /** Of a Helm chart: the hooks that are not run, in words. */
  hooks?: readonly string[];
  /** What of the patching changes no object, in words; undefined where nothing is patched. */
  unmatched?: readonly string[];
  /** Of a Helm chart: what another render of the same would make otherwise, in words. */
  random?: readonly string[];
}

/**
 * How many renders are under way at a time, shared by tenants. A render holds its manifests from the moment it reads
 * them, so this bounds their sum, too.
 */
export interface RenderTurns {
  plain: FairSemaphore;
  /**
   * What takes much memory: a process of kustomize or Helm, or the parse of large manifests. Who has such a place waits for
   * no other.
   */
  large: FairSemaphore;
}

export interface RenderPorts {
  /** Path of the kustomize binary. */
  kustomize: string;
  /** Path of the helm binary. */
  helm: string;
  /** Path of the program that decrypts what sops encrypted. */
  sops: string;
  timeoutMs: number;
  /** In this thread where none is given. */
  parser?: Pick<ManifestParser, 'parse' | 'documents'>;
  /** Not waited for where none are given. */
  turns?: RenderTurns;
  /** Of one process, where they are not the usual ones. */
  bounds?: Omit<Bounds, 'wallMs'> | undefined;
}

/** The ports with nothing left out. */
export type RendererPorts = RenderPorts & Required<Pick<RenderPorts, 'parser' | 'turns'>>;

/** One way to make objects of a folder. Its calls reject with ReasonError. */
export interface Renderer {
  /** Its member of spec.render. */
  name: keyof RenderSpec;
  /** Files that say that a folder is written for it. */
  marks: readonly string[];
  render(input: RenderInput, ports: RendererPorts): Promise<Rendered>;
}
