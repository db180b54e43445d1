import type { MainModule } from 'node-seal';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { BROWSER_VERSIONS, hasExceptionReferences, NODE_VERSIONS } from '../exceptionReferences.ts';

/** The one WASM instance of Microsoft SEAL in this process (or page, or worker). */
export type Seal = MainModule;

/** The same as servers see it: by its type, nothing that makes, keeps or uses a secret key. */
export type PublicSeal = Omit<MainModule, 'KeyGenerator' | 'SecretKey' | 'Encryptor' | 'Decryptor'>;

export type { BatchEncoder, Ciphertext, Decryptor, Encryptor, Plaintext } from 'node-seal';
export type { EncryptionParameters, GaloisKeys, KeyGenerator, RelinKeys, SecretKey } from 'node-seal';
export type { Evaluator as SealEvaluator, ParmsIdType, SEALContext } from 'node-seal';

let loading: Promise<Seal> | null = null;

/**
 * Loads node-seal on the first call; every call gives the same instance.
 * @throws {CipherconvError} `unsupported` where the engine cannot compile it.
 */
export async function loadSeal(): Promise<Seal> {
  if (!hasExceptionReferences())
    throw new CipherconvError({
      code: 'unsupported',
      message: 'this JavaScript engine cannot compile Microsoft SEAL: its WebAssembly has no exnref',
      hint: `run it in Node ${NODE_VERSIONS}; in a browser, in ${BROWSER_VERSIONS}`,
    });
  // Late: whoever never calls this does not load its 1.3 MB.
  loading ??= Promise.all([import('./wasmSource.ts'), import('node-seal')])
    .then(async ([{ sealOptions }, { default: initialize }]) => initialize(await sealOptions()))
    .catch((error: unknown) => {
      // A failed load (no memory, no network in a page) may be tried again.
      loading = null;
      throw error;
    });
  return loading;
}

/** What `--version` says of the cryptography: the version that package.json pins, and the SEAL that it is built from. */
export function sealVersion(): string {
  return 'node-seal 7.0.0 (Microsoft SEAL 4.1.2)';
}
