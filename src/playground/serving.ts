import type { StoredPlan } from '../frontend/planFile.ts';

/** What the page and the server's worker say to each other: weights stay on this side of the line. */

/** What the server is given to serve. Clients get none of the weights. */
export type Served =
  | { readonly kind: 'plan'; readonly stored: StoredPlan }
  | {
      readonly kind: 'model';
      readonly digest: string;
      readonly name: string;
      readonly clientText: string;
      readonly layers: readonly StoredPlan[];
    };

/** From the page to the server: its end of the line to the client, once, then what it serves. */
export type ToServer =
  | { readonly kind: 'line'; readonly port: MessagePort }
  | { readonly kind: 'serve'; readonly id: number; readonly served: Served };

/** What the server was asked, to show it. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly status: number;
}

export type FromServer =
  | { readonly kind: 'ready'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly text: string }
  | { readonly kind: 'asked'; readonly asked: Asked };
