import { z } from 'zod';
import { CipherconvError, disposedError } from '../../compiler/base/errors.ts';
import { reasonOf } from './contact.ts';
import type { Endpoint } from './endpoint.ts';
import { ServerError } from './request.ts';

/** Bytes of one call of `infer`, in the order of the kinds; `keys-sent` only when this call sent evaluation keys. */
export interface InferStep {
  /** What was done: the upload was encrypted, evaluation keys were taken by the server, or the response came. */
  readonly kind: 'encrypted' | 'keys-sent' | 'answered';
  /** The whole message. */
  readonly bytes: Uint8Array;
}

/** Who made an upload. */
interface Uploader {
  /** 0 where the server needs no keys. */
  readonly evaluationKeyBytes: number;
  readonly responseBytes: number;
  evaluationKeys(): Uint8Array;
}

const KEYS_HEADER = 'Cipherconv-Evaluation-Keys';
const LARGEST_KEY_ANSWER = 2 ** 12;
/** An id as it may stand in a header. */
const keyAnswer = z.object({ id: z.string().regex(/^[\w.~-]{1,256}$/) });

/** Evaluations of uploads at a server, which is sent the evaluation keys when it has not got them. */
export class RemoteEvaluations {
  readonly #client: Uploader;
  readonly #endpoint: Endpoint;
  /** The evaluation keys as they were sent, and the id that the server gave them. */
  #keys: Uint8Array | null = null;
  #keysId: Promise<string> | null = null;
  /** Sending keys is for all calls that wait for it, so no single one of them can stop it. */
  readonly #disposed = new AbortController();

  constructor(client: Uploader, endpoint: Endpoint) {
    this.#client = client;
    this.#endpoint = endpoint;
  }

  /** The response to an upload. */
  async evaluate(
    upload: Uint8Array,
    signal: AbortSignal | null,
    onStep: (step: InferStep) => void,
  ): Promise<Uint8Array> {
    if (this.#client.evaluationKeyBytes === 0) return this.#post(upload, {}, signal);
    const used = this.#sendKeys(onStep);
    try {
      return await this.#post(upload, { [KEYS_HEADER]: await unlessAborted(used, signal) }, signal);
    } catch (error) {
      if (!saysKeysUnknown(error)) throw error;
      // The server has dropped the keys. Someone else may have sent them again meanwhile.
      if (this.#keysId === used) this.#keysId = null;
      const id = await unlessAborted(this.#sendKeys(onStep), signal);
      return await this.#post(upload, { [KEYS_HEADER]: id }, signal);
    }
  }

  #post(
    upload: Uint8Array,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | null,
  ): Promise<Uint8Array> {
    const limitBytes = this.#client.responseBytes;
    return this.#endpoint.send({
      method: 'POST',
      path: '/evaluate',
      headers,
      body: upload,
      limitBytes,
      signal,
    });
  }

  /** Sends the keys unless the server has them; the same bytes every time. */
  #sendKeys(onStep: (step: InferStep) => void): Promise<string> {
    if (this.#keysId !== null) return this.#keysId;
    const sending = this.#putKeys(onStep);
    this.#keysId = sending;
    sending.catch(() => {
      if (this.#keysId === sending) this.#keysId = null;
    });
    return sending;
  }

  async #putKeys(onStep: (step: InferStep) => void): Promise<string> {
    this.#keys ??= this.#client.evaluationKeys();
    const request = { method: 'PUT', path: '/evaluation-keys', headers: {}, body: this.#keys } as const;
    const { signal } = this.#disposed;
    const bytes = await this.#endpoint.send({ ...request, limitBytes: LARGEST_KEY_ANSWER, signal });
    const answer = keyAnswer.safeParse(parsedJson(bytes));
    if (answer.success) {
      onStep({ kind: 'keys-sent', bytes: this.#keys });
      return answer.data.id;
    }
    throw new CipherconvError({
      code: 'server',
      where: 'evaluation keys',
      message: 'the server did not answer with an id for the evaluation keys',
      expected: '{ "id": "..." }',
    });
  }

  dispose(): void {
    this.#disposed.abort(disposedError('client'));
  }
}

/** What `work` gives, or the reason of `signal` as soon as that aborts. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | null): Promise<T> {
  if (signal === null) return await work;
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      reject(reasonOf(signal));
    };
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** 404 or 410 with a problem of this type. */
function saysKeysUnknown(error: unknown): boolean {
  if (!(error instanceof ServerError) || (error.status !== 404 && error.status !== 410)) return false;
  return error.problemType !== null && /(^|[:/#])unknown-evaluation-keys$/.test(error.problemType);
}
