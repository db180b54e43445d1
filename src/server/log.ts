import type { PoolEvent } from './workers/pool.ts';

/** Structured logs: one JSON object a line. Never a body, a client plan, a header value or a query. */

type LogLevel = 'info' | 'warn' | 'error';

export type LogEvent =
  | {
      readonly event: 'listening';
      readonly url: string;
      /** Digests. */
      readonly plans: readonly string[];
      readonly models: readonly string[];
    }
  | {
      /** The hint of a plan was computed, before the server listens. */
      readonly event: 'hint';
      readonly digest: string;
      /** Of the convolution, or of the layer of a model. */
      readonly name: string;
      readonly bytes: number;
      readonly ms: number;
      /** How many are computed, and of how many. */
      readonly done: number;
      readonly total: number;
    }
  | {
      readonly event: 'request';
      readonly method: string;
      /** The path's template, never the path itself. */
      readonly path: string;
      readonly status: number;
      readonly ms: number;
      readonly bytesIn: number;
      readonly bytesOut: number;
    }
  | PoolEvent
  | { readonly event: 'error'; readonly text: string; readonly at: string }
  | { readonly event: 'shutdown'; readonly signal: string; readonly inFlight: number }
  | { readonly event: 'stopped' };

export type Log = (level: LogLevel, event: LogEvent) => void;

/** As JSON escapes it, so that the line stays the same JSON. */
function escaped(char: string): string {
  return Array.from({ length: char.length }, (_, index) => {
    const unit = char.charCodeAt(index).toString(16).padStart(4, '0');
    return `\\u${unit}`;
  }).join('');
}

/** A log that writes lines through `write`. */
export function createLog(write: (line: string) => void, now: () => Date = () => new Date()): Log {
  return (level, event) => {
    const line = JSON.stringify({ time: now().toISOString(), level, ...event });
    // JSON escapes line breaks and ESC, but neither C1 controls nor what turns the reading direction.
    write(`${line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped)}\n`);
  };
}
