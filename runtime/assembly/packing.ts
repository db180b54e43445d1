/**
 * What travels, as bytes. AssemblyScript; `npm run build:kernel` compiles it into ../packing.gen.ts. The module has tables of
 * its own (seed.ts); else JavaScript lays out the memory and passes byte addresses.
 */

export { clearBytes, copyBytes, pack, unpack, valueAt } from './bits';
export { fromDigits, toDigits } from './digits';
export { uniformWords } from './randomness';
export { expand, reduce } from './seed';
