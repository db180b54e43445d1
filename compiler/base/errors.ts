import { printable } from './printable.ts';

/**
 * Every refusal of cipherconv is one `CipherconvError`: data first, prose made from it.
 * `code` is what programs test for; the rest is what a person needs to mend the input.
 */

/** What kind of refusal it is. `overflow` and `beyond-bfv` are findings about the convolution; `server` is what a server answered or failed to; the rest is bad input. */
export type ErrorCode =
  | 'malformed-json'
  | 'malformed-config'
  | 'malformed-plan'
  | 'malformed-model'
  | 'malformed-tensor'
  | 'malformed-picture'
  | 'malformed-message'
  | 'malformed-key'
  | 'wrong-plan'
  | 'unreadable'
  | 'unwritable'
  | 'server'
  | 'shape-mismatch'
  | 'out-of-range'
  | 'usage'
  | 'unsupported'
  | 'plan-rejected'
  | 'overflow'
  | 'beyond-bfv'
  | 'internal';

/** What a refusal says, field by field. */
export interface ErrorDetails {
  /** What kind of refusal it is. */
  readonly code: ErrorCode;
  /** One sentence that says what is wrong. */
  readonly message: string;
  /** Where: a file, a JSON path, a line and column, an option name. */
  readonly where?: string;
  /** What would have been accepted; absent where `message` says it. */
  readonly expected?: string;
  /** What came instead; absent where nothing can be shown. */
  readonly found?: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** The one error class of the project. `message` holds all the details, one line each after the first, safe to print; `details` are raw. */
export class CipherconvError extends Error {
  /** The refusal as data, as it was given: not yet made safe to print. */
  readonly details: ErrorDetails;

  constructor(details: ErrorDetails, options?: ErrorOptions) {
    super(formatDetails(details), options);
    this.name = 'CipherconvError';
    this.details = details;
  }

  /** The kind of refusal: `details.code`. */
  get code(): ErrorCode {
    return this.details.code;
  }
}

function formatDetails(details: ErrorDetails): string {
  const lines = [details.where === undefined ? details.message : `${details.where}: ${details.message}`];
  if (details.expected !== undefined) lines.push(`  expected: ${details.expected}`);
  if (details.found !== undefined) lines.push(`  found:    ${details.found}`);
  if (details.hint !== undefined) lines.push(`  try:      ${details.hint}`);
  return lines.map(printable).join('\n');
}

/** Use of something after its `dispose()`: the caller's mistake, not a bug of ours. */
export function disposedError(what: string): CipherconvError {
  return new CipherconvError({
    code: 'usage',
    message: `the ${what} is used after dispose`,
    hint: 'dispose of it after its last use, or make another one',
  });
}

/** A broken invariant: a bug in cipherconv, never the user's fault. */
export function internalError(message: string): CipherconvError {
  return new CipherconvError({
    code: 'internal',
    message: `internal: ${message}`,
    hint: 'this is a bug in cipherconv; please report it with the config that caused it',
  });
}
