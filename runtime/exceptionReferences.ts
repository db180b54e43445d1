// The command line reads this file before it knows what Node it runs on: no imports, no syntax newer than ES2020.

/** What is used of it. Neither ECMAScript's types nor Node's declare it. */
declare const WebAssembly: { validate(bytes: Uint8Array): boolean };

/** The smallest module with an exception reference: one function type that returns an exnref (0x69). */
const MODULE = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x69];

/**
 * Whether this engine knows WebAssembly's exception references, without which node-seal's module does not compile.
 * The feature decides, not a version number: 22.19 has it and 23.11 has not.
 */
export function hasExceptionReferences(): boolean {
  return WebAssembly.validate(new Uint8Array(MODULE));
}

/** Where it is: tried for Node (see test/system/oldestNode.test.ts), by MDN's compatibility data for browsers. */
export const NODE_VERSIONS = '22.19 or a newer 22, 24.15 or a newer 24, or 25 and newer';
export const BROWSER_VERSIONS = 'Chrome or Edge 137, Firefox 131, Safari 18.4, or newer';
