import { serveWorker } from '../worker/serve.ts';
import { parseAll } from './parse.ts';

// The thread in which manifests are parsed: parser.ts starts it and is its only caller.

serveWorker({ parseAll });
