import type { Run } from '../page/messages.ts';
import type { Finding, Layer } from '../lint/finding.ts';
import type { FromCompiler, Section, ToCompiler } from './compiling.ts';
import type { Served } from './serving.ts';

/** Whom the compiler tells. */
export interface CompilerListener {
  readonly onLinted: (findings: readonly Finding[], layers: readonly Layer[]) => void;
  readonly onCompiled: (served: Served, sections: readonly Section[], ms: number) => void;
  /** Told a whole document, to be shown in a frame. */
  readonly onReport: (html: string) => void;
  /** Told in a sentence how far it is. */
  readonly onProgress: (text: string) => void;
  /** Told in words for people. */
  readonly onRefused: (text: string) => void;
}

type Compared = Extract<FromCompiler, { kind: 'compared' }>;

interface Waiting {
  readonly resolve: (compared: Compared) => void;
  readonly reject: (error: Error) => void;
}

/** The page's end of the line to the compiler's worker. A compilation that nobody waits for any more is ended with its worker. */
export class CompilerLink {
  readonly #listener: CompilerListener;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker;
  #isBusy = false;
  #nextId = 0;

  constructor(listener: CompilerListener) {
    this.#listener = listener;
    this.#worker = this.#start();
  }

  compile(asked: Omit<Extract<ToCompiler, { kind: 'compile' }>, 'kind'>): void {
    this.#drop('something else is compiled now');
    if (this.#isBusy) {
      this.#worker.terminate();
      this.#worker = this.#start();
    }
    this.#isBusy = true;
    this.#worker.postMessage({ kind: 'compile', ...asked } satisfies ToCompiler);
  }

  /** Compares a run of the model that was compiled last. */
  compare({ input, output }: Run): Promise<Compared> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ kind: 'compare', id, input, output } satisfies ToCompiler);
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./compileWorker.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<FromCompiler>) => {
      if (worker === this.#worker) this.#take(data);
    });
    worker.addEventListener('error', (event) => {
      if (worker !== this.#worker) return;
      this.#worker = this.#start();
      this.#refused(`the compiler's worker stopped: ${event.message}`);
    });
    return worker;
  }

  #take(message: FromCompiler): void {
    switch (message.kind) {
      case 'linted':
        this.#listener.onLinted(message.findings, message.layers);
        return;
      case 'progress':
        this.#listener.onProgress(message.text);
        return;
      case 'compiled':
        this.#listener.onCompiled(message.served, message.sections, message.ms);
        return;
      case 'reported':
        this.#isBusy = false;
        this.#listener.onReport(message.html);
        return;
      case 'refused':
        this.#refused(message.text);
        return;
      case 'compared':
        this.#waiting.get(message.id)?.resolve(message);
        this.#waiting.delete(message.id);
        return;
      default:
        message satisfies never;
    }
  }

  /** A comparison that failed is told to who waits for it. */
  #refused(text: string): void {
    const isComparison = this.#waiting.size > 0;
    this.#isBusy = false;
    this.#drop(text);
    if (!isComparison) this.#listener.onRefused(text);
  }

  #drop(text: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(text));
    this.#waiting.clear();
  }
}
