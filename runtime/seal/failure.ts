import { CipherconvError } from '../../compiler/base/errors.ts';

/**
 * SEAL's C++ exceptions reach JavaScript as `WebAssembly.Exception`, which is no `Error`; `message` is then
 * [C++ type, text]. Traps are `WebAssembly.RuntimeError`. After our own checks neither should ever come, so both are
 * broken invariants. Who serves others must then replace the instance: every exception costs it shadow stack.
 * Told apart by name, not by class: the class may be another realm's.
 */
function sealText(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  const message: unknown = 'message' in error ? error.message : null;
  if (Object.prototype.toString.call(error) === '[object WebAssembly.Exception]') {
    return Array.isArray(message) ? message.join(': ') : 'an exception without text';
  }
  return error instanceof Error && error.name === 'RuntimeError' ? `trap: ${error.message}` : null;
}

/** Runs `call`. What SEAL throws becomes a CipherconvError `internal` with SEAL's text in `found`; the rest passes. */
export function guardSeal<T>(action: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    const found = sealText(error);
    if (found === null) throw error;
    throw new CipherconvError(
      { code: 'internal', message: `internal: SEAL refused to ${action}`, found },
      { cause: error },
    );
  }
}
