import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Served } from './served.ts';

/** Connections written byte by byte, as no HTTP library would. Loopback only, each test a bounded number of them. */

/** A connection from an address of this machine that has sent `text`; errors are not errors of the test. */
export function begin(url: string, text: string, localAddress = '127.0.0.1'): Socket {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  socket.write(Buffer.from(text, 'latin1'));
  return socket;
}

/** Sends the head of a request to evaluate and the first bytes of its body. */
export function beginPost(
  { service, digest }: Served,
  announced: number,
  bytes: Uint8Array,
  localAddress?: string,
): Socket {
  const head =
    `POST /v1/plans/${digest}/evaluate HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
    `Content-Type: application/octet-stream\r\nContent-Length: ${announced}\r\n\r\n`;
  const socket = begin(service.url, head, localAddress);
  if (bytes.length > 0) socket.write(bytes);
  return socket;
}

/** Everything that comes back until the server closes the connection. */
export function received(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Uint8Array) => (text += Buffer.from(chunk).toString('latin1')));
    socket.on('close', () => {
      resolve(text);
    });
  });
}

/** What comes back first; nothing when the connection closes before. */
export function firstBytes(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', (chunk: Uint8Array) => {
      resolve(Buffer.from(chunk).toString('latin1'));
    });
    socket.once('close', () => {
      resolve('');
    });
  });
}
