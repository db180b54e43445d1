import { CipherconvError } from '../../../compiler/base/errors.ts';
import type { ErrorDetails } from '../../../compiler/base/errors.ts';

/** Where in a model, and the rest of a refusal. */
type Details = Omit<ErrorDetails, 'code'>;

/** A model (or tensor file) that contradicts itself or the format. */
export function malformed(details: Details): CipherconvError {
  return new CipherconvError({ code: 'malformed-model', ...details });
}

/** A model that is well-formed, but not one that can be imported. */
export function unsupported(details: Details): CipherconvError {
  return new CipherconvError({ code: 'unsupported', ...details });
}

/** Names come from models: quoted, control characters escaped, and no longer than a line. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}...` : name);
}
