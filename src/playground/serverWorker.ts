import { PlaygroundServer } from './server.ts';
import type { FromServer, ToServer } from './serving.ts';
import type { WireRequest } from './wire.ts';

/** The server's worker: plans with their weights, and ciphertexts. It has no key, and no way to make one. */

const server = new PlaygroundServer();

function tell(message: FromServer): void {
  postMessage(message);
}

addEventListener('message', ({ data }: MessageEvent<ToServer>) => {
  if (data.kind === 'line') {
    listen(data.port);
    return;
  }
  const { id } = data;
  server.serve(data.served).then(
    () => {
      tell({ kind: 'ready', id });
    },
    (error: unknown) => {
      tell({ kind: 'failed', id, text: error instanceof Error ? error.message : String(error) });
    },
  );
});

function listen(port: MessagePort): void {
  port.addEventListener('message', ({ data }: MessageEvent<WireRequest>) => {
    void server.answer(data).then((answer) => {
      const { method, path, body } = data;
      const bytesDown = typeof answer.body === 'string' ? answer.body.length : (answer.body?.length ?? 0);
      const { status } = answer;
      tell({ kind: 'asked', asked: { method, path, bytesUp: body?.length ?? 0, bytesDown, status } });
      port.postMessage(answer);
    });
  });
  port.start();
}
