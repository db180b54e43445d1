import type { Fetch } from '../client/index.ts';

/** What a server says of its own time, in answers to evaluations. */
export class ServerTiming {
  /** Of the last answer, milliseconds; null where it says nothing. */
  lastMs: number | null = null;
  /** Of all answers together. */
  totalMs = 0;
  readonly fetch: Fetch;

  constructor(fetchUrl: Fetch) {
    this.fetch = async (url, init) => {
      const response = await fetchUrl(url, init);
      this.lastMs = evaluationMs(response.headers.get('server-timing'));
      this.totalMs += this.lastMs ?? 0;
      return response;
    };
  }
}

/** The duration of the evaluation in a Server-Timing header; null where it has none. */
export function evaluationMs(header: string | null): number | null {
  const [, found] = /(?:^|,)\s*evaluate\s*;\s*dur=(\d{1,9}(?:\.\d{1,9})?)/.exec(header ?? '') ?? [];
  return found === undefined ? null : Number(found);
}
