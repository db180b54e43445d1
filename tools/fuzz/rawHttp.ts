import { connect } from 'node:net';

/** Requests whose framing lies: written byte by byte, as no HTTP library would. */
export interface RawRequest {
  readonly port: number;
  readonly path: string;
  readonly framing: readonly string[];
  readonly body: Uint8Array;
}

/** Milliseconds after which a server that has not answered hangs. */
const HANG_MS = 20_000;

/** The status of every response on the connection, which both sides then close. */
export function sendRaw({ port, path, framing, body }: RawRequest): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error('no answer: the server hangs'));
    }, HANG_MS);
    const head = [
      'POST ' + path + ' HTTP/1.1',
      'Host: localhost',
      'Content-Type: application/octet-stream',
      ...framing,
    ];
    socket.on('data', (chunk: Uint8Array) => (text += Buffer.from(chunk).toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve([...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status)));
    });
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    socket.end(body);
  });
}
