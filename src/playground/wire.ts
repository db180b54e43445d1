/** What the workers of the playground say to each other: requests and answers as over HTTP, and nothing else. */

/** Where the server stands: an address that no network has, so that nothing can ever go there. */
export const SERVER = 'https://server.invalid/';

export interface WireRequest {
  readonly id: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | null;
}

/** Of the answer, what `fetch` would tell. */
export interface WireAnswer {
  readonly id: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | string | null;
}
