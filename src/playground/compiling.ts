import type { Tensor } from '../../compiler/base/tensor.ts';
import type { Finding, Layer } from '../lint/finding.ts';
import type { NamedFile } from '../page/messages.ts';
import type { Served } from './serving.ts';

/** What the page and the compiler's worker say to each other. */

/** How to compile; `auto` lets the compiler choose. */
export interface Choices {
  readonly lowering: 'auto' | 'toeplitz' | 'diagonals';
  readonly protocol: 'auto' | 'standard' | 'hint';
}

export type ToCompiler =
  | {
      readonly kind: 'compile';
      /** A config, or a model. */
      readonly main: NamedFile;
      /** The .npy files that a config names. */
      readonly beside: readonly NamedFile[];
      readonly choices: Choices;
    }
  /** Compares what came of a model with its network in integers in the clear. */
  | { readonly kind: 'compare'; readonly id: number; readonly input: Tensor; readonly output: Tensor };

/** A title, and lines of text or a table. */
export type Section =
  | { readonly kind: 'lines'; readonly title: string; readonly lines: readonly string[] }
  | { readonly kind: 'table'; readonly title: string; readonly rows: readonly (readonly string[])[] };

export type FromCompiler =
  | { readonly kind: 'linted'; readonly findings: readonly Finding[]; readonly layers: readonly Layer[] }
  | {
      readonly kind: 'compiled';
      readonly served: Served;
      readonly sections: readonly Section[];
      readonly ms: number;
    }
  | { readonly kind: 'progress'; readonly text: string }
  /** A whole document, after `compiled`, or before `refused` where something can be said. */
  | { readonly kind: 'reported'; readonly html: string }
  | { readonly kind: 'refused'; readonly text: string }
  | {
      readonly kind: 'compared';
      readonly id: number;
      readonly outputs: number;
      readonly mismatches: number;
      readonly ms: number;
    };
