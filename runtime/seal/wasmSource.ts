/**
 * What node-seal's loader is told about its WASM file. It looks for the file beside itself by a path that bundlers cannot
 * see; without that, its own code asks for it in a way that they do, and that Node takes as well. The bundle for browsers
 * has another module in this place, which holds the file itself (tools/self-contained-seal.ts).
 */
export function sealOptions(): Promise<Readonly<Record<string, unknown>>> {
  return Promise.resolve({ locateFile: undefined });
}
