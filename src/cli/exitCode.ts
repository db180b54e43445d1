import type { ErrorCode } from '../../compiler/base/errors.ts';

/** 0 good; 1 a finding about the convolution; 2 refused for any other reason; 130 interrupted. */
export type ExitCode = 0 | 1 | 2 | 130;

/** What a command ended with. */
export type Outcome =
  | { readonly kind: 'good' }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'linted'; readonly exitCode: 0 | 1 | 2 }
  | { readonly kind: 'refused'; readonly code: ErrorCode }
  /** commander's own end of the matter: help and version are good, anything else is bad usage. */
  | { readonly kind: 'usage'; readonly asked: boolean }
  | { readonly kind: 'unexpected' }
  | { readonly kind: 'interrupted' };

/** The exit code, from the outcome alone. */
export function exitCode(outcome: Outcome): ExitCode {
  switch (outcome.kind) {
    case 'good':
      return 0;
    case 'mismatch':
      return 1;
    case 'linted':
      return outcome.exitCode;
    case 'refused':
      return outcome.code === 'overflow' || outcome.code === 'beyond-bfv' ? 1 : 2;
    case 'usage':
      return outcome.asked ? 0 : 2;
    case 'unexpected':
      return 2;
    case 'interrupted':
      return 130;
  }
}
