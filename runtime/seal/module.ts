import initialize from 'node-seal';
import type { MainModule } from 'node-seal';

/** The one WASM instance of Microsoft SEAL in this process (or page, or worker). */
export type Seal = MainModule;

export type { Ciphertext, Decryptor, Encryptor, Plaintext } from 'node-seal';
export type { GaloisKeys, KeyGenerator, SecretKey } from 'node-seal';
export type { Evaluator as SealEvaluator, ParmsIdType, SEALContext } from 'node-seal';

/**
 * node-seal's own `locateFile` makes an address of a name at run time, which no bundler can follow. Without it the WASM
 * is found by `new URL('....wasm', import.meta.url)`, which Node and bundlers both understand.
 */
const OPTIONS = { ...({ locateFile: undefined } as object) };

let loading: Promise<Seal> | null = null;

/** Loads node-seal on the first call; every call gives the same instance. */
export function loadSeal(): Promise<Seal> {
  loading ??= initialize(OPTIONS).catch((error: unknown) => {
    // A failed load (no memory, no network in a page) may be tried again.
    loading = null;
    throw error;
  });
  return loading;
}

/** What `--version` says of the cryptography. The major and minor number also stand in every SEAL envelope. */
export function sealVersion(): string {
  return 'node-seal 7.0.0 (Microsoft SEAL 4.1.2)';
}
