import { ServerError } from '../client/index.ts';
import type { Fetch } from '../client/index.ts';
import { internalError } from '../../compiler/base/errors.ts';
import { OPENERS } from './openers.ts';
import { listServed } from './served.ts';
import type { Session } from './session.ts';
import type { Answer, FromWorker, Question, Refusal, ToWorker, Trouble } from './messages.ts';

/**
 * The client's side, in a worker: it alone holds secret keys, encrypts and decrypts, and talks to the server.
 * @param fetchUrl how requests reach the server
 */
export function startClientSide(fetchUrl: Fetch): void {
  const side = new ClientSide(fetchUrl);
  let cancelling = new AbortController();
  addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
    if (data.kind === 'cancel') {
      cancelling.abort();
      return;
    }
    const { id } = data;
    // Whoever asks for another plan no longer wants the one before, nor anything of it.
    if (data.kind === 'open') cancelling.abort();
    cancelling = new AbortController();
    const { signal } = cancelling;
    side.answer(data, signal).then(
      (found) => {
        tell({ kind: 'answer', id, answer: found });
      },
      (error: unknown) => {
        tell({ kind: 'refusal', id, refusal: signal.aborted ? { kind: 'cancelled' } : refusalOf(error) });
      },
    );
  });
}

function tell(message: FromWorker): void {
  postMessage(message);
}

class ClientSide {
  readonly #fetch: Fetch;
  #session: Session | null = null;

  constructor(fetchUrl: Fetch) {
    this.#fetch = fetchUrl;
  }

  async answer(question: Question, signal: AbortSignal): Promise<Answer> {
    switch (question.kind) {
      case 'list':
        return await listServed(question.server, this.#fetch, signal);
      case 'open':
        return (await this.#open(question, signal)).facts;
      case 'infer':
        return await this.#opened().infer(question.input, signal);
      case 'compare': {
        const { compare } = this.#opened();
        if (compare === null) throw internalError('nothing to compare with');
        return compare(question.run, question.files);
      }
      default:
        return question satisfies never;
    }
  }

  #opened(): Session {
    if (this.#session === null) throw internalError('nothing is open');
    return this.#session;
  }

  async #open(
    { server, digest, served }: Extract<Question, { kind: 'open' }>,
    signal: AbortSignal,
  ): Promise<Session> {
    this.#session?.dispose();
    this.#session = null;
    const session = await OPENERS[served](digest, signal, {
      server,
      fetch: this.#fetch,
      onStep: (step) => {
        tell({ kind: 'step', step });
      },
      onRound: (state) => {
        tell({ kind: 'round', state });
      },
    });
    if (signal.aborted) session.dispose();
    signal.throwIfAborted();
    this.#session = session;
    return session;
  }
}

function refusalOf(error: unknown): Refusal {
  // SEAL's exceptions are no Errors, and what they say is for its developers.
  const text =
    error instanceof Error ? error.message : 'the cryptography failed in this browser; reload the page';
  return { kind: 'failed', trouble: troubleOf(error), text };
}

function troubleOf(error: unknown): Trouble {
  if (!(error instanceof ServerError)) return 'other';
  if (error.status === null) return 'lost-server';
  return error.status === 404 && /:unknown-(plan|model)$/.test(error.problemType ?? '')
    ? 'not-served'
    : 'other';
}
