import type { Asked, FromServer, Served, ToServer } from './serving.ts';

/** The page's end of the line to the server's worker. */
export class ServerLink {
  readonly #worker = new Worker(new URL('./serverWorker.ts', import.meta.url), { type: 'module' });
  readonly #waiting = new Map<
    number,
    { readonly resolve: () => void; readonly reject: (error: Error) => void }
  >();
  #nextId = 0;

  /** @param onAsked told of every request of the client's worker */
  constructor(onAsked: (asked: Asked) => void) {
    this.#worker.addEventListener('message', ({ data }: MessageEvent<FromServer>) => {
      if (data.kind === 'asked') {
        onAsked(data.asked);
        return;
      }
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.kind === 'ready') waiting?.resolve();
      else waiting?.reject(new Error(data.text));
    });
    this.#worker.addEventListener('error', (event) => {
      const error = new Error(`the server's worker stopped: ${event.message}; reload the page`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  /** Gives it its end of the line to the client. */
  connect(port: MessagePort): void {
    this.#tell({ kind: 'line', port }, [port]);
  }

  /** Has it serve something, in place of what it served before. */
  serve(served: Served): Promise<void> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#tell({ kind: 'serve', id, served }, []);
    });
  }

  #tell(message: ToServer, transfer: Transferable[]): void {
    this.#worker.postMessage(message, transfer);
  }
}
