import type { ExchangeName, Exchanges, FromWorker, Refusal, RoundState, Step, Trouble } from './messages.ts';

/** Someone ended it; nothing went wrong. */
export class Cancelled extends Error {}

/** What went wrong in the worker, in words for people. */
export class Failed extends Error {
  readonly trouble: Trouble;

  constructor(text: string, trouble: Trouble) {
    super(text);
    this.trouble = trouble;
  }
}

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/** The page's end of the line to its worker. */
export class WorkerLink {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;

  /**
   * @param worker the client's side
   * @param onStep told of every step of an inference when it ends
   * @param onRound told how far a round of a model is
   */
  constructor(worker: Worker, onStep: (step: Step) => void, onRound: (state: RoundState) => void) {
    this.#worker = worker;
    this.#worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === 'step') onStep(data.step);
      else if (data.kind === 'round') onRound(data.state);
      else this.#settle(data);
    });
    this.#worker.addEventListener('error', (event) => {
      const reason = event.message === '' ? 'it could not be loaded' : event.message;
      this.#breakDown(`the worker of this page stopped: ${reason}; reload the page`);
    });
  }

  /** Rejects with Cancelled, or with an Error whose message is for people. */
  ask<Name extends ExchangeName>(
    kind: Name,
    question: Exchanges[Name]['question'],
  ): Promise<Exchanges[Name]['answer']> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ kind, id, ...question });
    });
  }

  /** Ends what is waiting for the server. */
  cancel(): void {
    this.#worker.postMessage({ kind: 'cancel' });
  }

  #settle(message: Exclude<FromWorker, { kind: 'step' | 'round' }>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'answer') waiting?.resolve(message.answer as never);
    else waiting?.reject(errorOf(message.refusal));
  }

  #breakDown(text: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(text));
    this.#waiting.clear();
  }
}

function errorOf(refusal: Refusal): Error {
  return refusal.kind === 'cancelled'
    ? new Cancelled('cancelled')
    : new Failed(refusal.text, refusal.trouble);
}
