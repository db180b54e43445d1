import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { internalError } from '../../../compiler/base/errors.ts';
import type { ErrorDetails } from '../../../compiler/base/errors.ts';
import { dropChunk } from './bufferPool.ts';
import { FrameReader, frameStart } from './frames.ts';
import type { Frame } from './frames.ts';
import { HEAP_SHARE, residentBytes } from './memory.ts';
import { asReply } from './messages.ts';
import type { Job, Reply, Setup } from './messages.ts';
import { CHANNEL } from './workerLoop.ts';

export interface WorkerSettings {
  /** Script of the worker. */
  readonly file: string;
  /** Resident memory that a worker may take, bytes. */
  readonly memoryBytes: number;
  /** The plans, JSON, one a line. */
  readonly plans: Uint8Array;
  /** The longest response of any plan, bytes. */
  readonly largestResponse: number;
  /** What responses are received into, whatever is in it; without it each gets an array of its own. */
  readonly allocate?: (bytes: number) => Uint8Array;
}

/** How one exchange with a worker ended. After `failed` and `gone` the worker is of no more use. */
export type Exchange =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unfit'; readonly details: ErrorDetails }
  | { readonly kind: 'done'; readonly response: Uint8Array }
  | { readonly kind: 'refused'; readonly details: ErrorDetails }
  | {
      readonly kind: 'failed';
      readonly reason: 'seal' | 'memory' | 'internal' | 'protocol';
      readonly text: string;
    }
  /** The process ended, by itself or killed by someone. */
  | { readonly kind: 'gone'; readonly text: string };

const MIB = 2 ** 20;

function start({ file, memoryBytes }: WorkerSettings): ChildProcess {
  const heapMiB = Math.floor((memoryBytes * HEAP_SHARE) / MIB);
  return spawn(process.execPath, [`--max-old-space-size=${heapMiB}`, file], {
    // Nothing but the channel: no terminal, no output, and no environment that could hold secrets.
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: {},
    windowsHide: true,
  });
}

function channelOf(child: ChildProcess): Duplex {
  const channel = child.stdio[CHANNEL];
  if (channel === null || channel === undefined) throw internalError('a worker without a channel');
  return channel as Duplex;
}

/**
 * One disposable process with its own kernels. It does one thing at a time. `kill` ends it whatever it
 * does at that moment, and the system takes back all of its memory.
 */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #channel: Duplex;
  #waiting: ((exchange: Exchange) => void) | null = null;
  #onGone: (text: string) => void = () => undefined;
  #gone = false;

  constructor(settings: WorkerSettings) {
    this.#child = start(settings);
    this.#channel = channelOf(this.#child);
    const onFrame = (frame: Frame): void => {
      this.#settle(exchangeOf(frame));
    };
    const reader = new FrameReader(settings.largestResponse, onFrame, settings.allocate);
    this.#channel.on('data', (chunk: Uint8Array) => {
      try {
        reader.push(chunk);
        dropChunk(chunk);
      } catch (error) {
        this.#settle({ kind: 'failed', reason: 'protocol', text: String(error) });
      }
    });
    // A broken channel is the sign of a worker that has ended, which `exit` tells of.
    this.#channel.on('error', () => undefined);
    this.#child.on('error', (error) => {
      this.#end(`not started: ${error.message}`);
    });
    this.#child.on('exit', (code, signal) => {
      this.#end(signal === null ? `exit code ${code}` : `killed by ${signal}`);
    });
  }

  get processId(): number | null {
    return this.#child.pid ?? null;
  }

  /** Resident memory, bytes; null where the system does not tell. */
  residentBytes(): number | null {
    const { pid } = this.#child;
    return pid === undefined || this.#gone ? null : residentBytes(pid);
  }

  /** Prepares the plans. */
  setUp({ plans, memoryBytes }: WorkerSettings): Promise<Exchange> {
    return this.#exchange({ kind: 'setup', memoryBytes }, [plans]);
  }

  /** Evaluates; `parts` are written as they are, one after the other. */
  evaluate(job: Job, parts: readonly Uint8Array[]): Promise<Exchange> {
    return this.#exchange(job, parts);
  }

  /** Calls `listener` once, when the process has ended or could not be started. */
  onGone(listener: (text: string) => void): void {
    this.#onGone = listener;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
    this.#channel.destroy();
  }

  #exchange(head: Setup | Job, parts: readonly Uint8Array[]): Promise<Exchange> {
    if (this.#waiting !== null) throw internalError('a worker is asked for two things at once');
    if (this.#gone) return Promise.resolve({ kind: 'gone', text: 'before the request' });
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#channel.cork();
      this.#channel.write(
        frameStart(
          head,
          parts.reduce((sum, { length }) => sum + length, 0),
        ),
      );
      for (const part of parts) if (part.length > 0) this.#channel.write(part);
      this.#channel.uncork();
    });
  }

  #settle(exchange: Exchange): void {
    const resolve = this.#waiting;
    this.#waiting = null;
    resolve?.(exchange);
  }

  #end(text: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#channel.destroy();
    // Whoever waits hears of it first: only then does another worker start.
    this.#onGone(text);
    this.#settle({ kind: 'gone', text });
  }
}

function exchangeOf({ head, body }: Frame): Exchange {
  const reply: Reply | null = asReply(head);
  if (reply === null) return { kind: 'failed', reason: 'protocol', text: 'not a reply' };
  return reply.kind === 'done' ? { kind: 'done', response: body } : reply;
}
