import { Socket } from 'node:net';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import type { ErrorDetails } from '../../../compiler/base/errors.ts';
import { isRefusalOfBytes } from '../problems.ts';
import { FrameReader, frameStart } from './frames.ts';
import type { Frame } from './frames.ts';
import { limitWasmMemory, WASM_SHARE } from './memory.ts';
import type { WasmLimit } from './memory.ts';
import type { FailureReason, Job, Reply, Setup } from './messages.ts';

/** Which plan, and which part of it; null: all of it. */
type EngineJob = Pick<Job, 'digest' | 'part'>;

/** What a worker does with a job. */
export interface Engine {
  /**
   * @param message the upload, already checked by the server
   * @param keys the evaluation keys message of its client, null for plans without
   * @throws CipherconvError `malformed-...` for bytes that are not of the plan; anything else ends the worker.
   */
  evaluate(job: EngineJob, message: Uint8Array, keys: Uint8Array | null): Uint8Array | Promise<Uint8Array>;
}

/** Makes the engine from plans, JSON, one a line. */
export type MakeEngine = (plans: Uint8Array, memoryBytes: number) => Promise<Engine>;

/** The descriptor of the channel to the server. Not stdout: whatever a library prints must not end up in a frame. */
export const CHANNEL = 3;
const NO_BYTES = new Uint8Array(0);
/** Frames to a worker are made by the server, which has checked what is in them. */
const LARGEST_BODY_BYTES = 2 ** 32;

/**
 * The life of a worker: a setup frame, then jobs one after the other, until the channel closes. Interrupts and
 * terminations meant for the server's process group are the server's business: it ends its workers when it is done.
 */
export function runWorker(makeEngine: MakeEngine): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  const channel = new Socket({ fd: CHANNEL, readable: true, writable: true });
  channel.on('close', () => process.exit());
  channel.on('error', () => process.exit());
  const send = (reply: Reply, body: Uint8Array = NO_BYTES): void => {
    channel.cork();
    channel.write(frameStart(reply, body.length));
    if (body.length > 0) channel.write(body);
    channel.uncork();
  };
  let wasm: WasmLimit | null = null;
  let engine: Engine | null = null;
  const handle = async ({ head, body }: Frame): Promise<void> => {
    // Both come from the server itself.
    const request = head as Setup | Job;
    if (request.kind === 'setup') {
      wasm = limitWasmMemory(Math.floor(request.memoryBytes * WASM_SHARE));
      engine = await makeEngine(body, request.memoryBytes);
      send({ kind: 'ready' });
      return;
    }
    if (engine === null) throw new Error('a job before the setup');
    const end = body.length - request.keysBytes;
    const keys = request.keysBytes === 0 ? null : body.subarray(end);
    send({ kind: 'done' }, await engine.evaluate(request, body.subarray(0, end), keys));
  };
  let last = Promise.resolve();
  const reader = new FrameReader(LARGEST_BODY_BYTES, (frame) => {
    last = last
      .then(() => handle(frame))
      .catch((error: unknown) => {
        send(failure(error, engine === null, wasm));
      });
  });
  channel.on('data', (chunk: Uint8Array) => {
    reader.push(chunk);
  });
}

/** Only our own refusals of bytes leave the worker as it was. */
function failure(error: unknown, isStarting: boolean, wasm: WasmLimit | null): Reply {
  const details = detailsOf(error);
  const reason = reasonOf(error, details, wasm);
  if (isStarting) return { kind: 'unfit', details: unfit(details, reason) };
  if (details !== null && isRefusalOfBytes(details)) {
    return { kind: 'refused', details };
  }
  return { kind: 'failed', reason, text: textOf(error) };
}

function detailsOf(error: unknown): ErrorDetails | null {
  return error instanceof CipherconvError ? error.details : null;
}

function reasonOf(error: unknown, details: ErrorDetails | null, wasm: WasmLimit | null): FailureReason {
  if ((wasm?.refusals() ?? 0) > 0 || error instanceof RangeError) return 'memory';
  // guardSeal says what SEAL threw, or how it trapped, in `found`.
  return details?.code === 'internal' && details.found !== undefined ? 'seal' : 'internal';
}

function unfit(details: ErrorDetails | null, reason: FailureReason): ErrorDetails {
  if (reason === 'memory') {
    return {
      code: 'usage',
      message: 'the plans do not fit into the memory of a worker',
      hint: 'give workers more with --memory, or serve fewer plans',
    };
  }
  return details ?? { code: 'internal', message: 'internal: a worker could not prepare the plans' };
}

/** At most a line: what is wrong, never what was computed with. */
function textOf(error: unknown): string {
  if (error instanceof CipherconvError) {
    const { message, found } = error.details;
    return found === undefined ? message : `${message}: ${found}`.slice(0, 500);
  }
  return error instanceof Error
    ? `${error.name}: ${error.message}`.slice(0, 500)
    : String(error).slice(0, 500);
}
