import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/**
 * Makes a bundle self-contained, so that whatever bundles it again finds nothing to follow: node-seal's WASM file goes
 * into it, packed, and the ways of its glue into Node and to a file beside it go out.
 */
export function selfContainedSeal(): Plugin {
  return {
    name: 'self-contained-seal',
    enforce: 'pre',
    async load(id) {
      if (!id.endsWith('/runtime/seal/wasmSource.ts')) return null;
      const loader = await this.resolve('node-seal', id);
      if (loader === null) throw new Error('node-seal is not installed');
      return wasmSource(dirname(loader.id));
    },
    transform(code, id) {
      const file = Object.keys(REPLACED).find((name) => id.endsWith(`/node-seal/dist/${name}`));
      return file === undefined ? null : { code: replaced(file, code), map: null };
    },
  };
}

/** The module that stands for runtime/seal/wasmSource.ts: CSP has to allow 'wasm-unsafe-eval' and no address at all. */
function wasmSource(folder: string): string {
  const packed = gzipSync(readFileSync(join(folder, 'seal_throws.wasm')), { level: 9 });
  return `
const PACKED = '${packed.toString('base64')}';
export async function sealOptions() {
  const packed = Uint8Array.from(atob(PACKED), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const wasmBinary = new Uint8Array(await new Response(stream).arrayBuffer());
  return { wasmBinary };
}
`;
}

type Replacement = readonly [from: string, to: string];

/** What is replaced in node-seal's files; the bundle fails to build where a new version of them reads otherwise. */
const REPLACED: Readonly<Record<string, readonly Replacement[]>> = {
  'index_throws.js': [['new URL(path, import.meta.url).href', 'path']],
  'seal_throws.js': [
    ['globalThis.process?.versions?.node&&globalThis.process?.type!="renderer"', 'false'],
    ['const{createRequire}=await import("module")', ''],
    ['var require=createRequire(import.meta.url)', 'var require'],
    ['_scriptName=import.meta.url', '_scriptName=""'],
    ['new URL("seal_throws.wasm",import.meta.url).href', '"seal_throws.wasm"'],
  ],
};

function replaced(file: string, code: string): string {
  return (REPLACED[file] ?? []).reduce((glue, [from, to]) => {
    if (glue.split(from).length !== 2) throw new Error(`node-seal's ${file} does not hold one ${from}`);
    return glue.replace(from, () => to);
  }, code);
}
