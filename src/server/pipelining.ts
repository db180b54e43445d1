import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEM_TYPE, problemText } from './problems.ts';

/** Requests of one connection that may be under way at the same time. Usual clients have one. */
const MOST_PIPELINED = 16;
const ENDING = -1;

/**
 * Bounds what one connection makes the server do in one turn of its event loop: a chunk of bytes may hold a thousand
 * requests one after the other, and all of them begin at once. The first one too many ends the connection.
 */
export class Pipelining {
  readonly #underWay = new WeakMap<Socket, number>();

  /** Whether the request may begin; otherwise it is answered, or not, here. */
  admit({ socket }: IncomingMessage, outgoing: ServerResponse): boolean {
    const before = this.#underWay.get(socket) ?? 0;
    if (before === ENDING) return false;
    if (before === MOST_PIPELINED) {
      this.#underWay.set(socket, ENDING);
      socket.pause();
      outgoing.writeHead(429, { 'content-type': PROBLEM_TYPE, connection: 'close', 'retry-after': '1' });
      outgoing.end(
        problemText('too-many-requests', {
          detail: 'too many requests at once on one connection',
          expected: `at most ${MOST_PIPELINED}`,
        }),
      );
      return false;
    }
    this.#underWay.set(socket, before + 1);
    outgoing.once('close', () => {
      const now = this.#underWay.get(socket) ?? 0;
      if (now !== ENDING) this.#underWay.set(socket, now - 1);
    });
    return true;
  }
}
