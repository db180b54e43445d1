import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { PLANS_KEY } from './names.ts';
import type { RedisOptions } from './packages.ts';
import { isFinalRefusal } from './redisErrors.ts';
import { RespReader } from './respReader.ts';
import type { Allocate, Reply, ReplySpace } from './respReader.ts';

/**
 * A connection for bytes alone. ioredis copies a command into one buffer and puts a reply together out of chunks of 64 KiB,
 * each of them garbage a moment later: with a MiB in and out the collector took more than all else of a job. Here bytes are
 * written from where they lie, and read through one buffer into the place where they stay.
 */

interface Command {
  readonly pieces: readonly Uint8Array[];
  readonly space: ReplySpace;
  readonly settle: (reply: Reply) => void;
  readonly fail: (error: Error) => void;
}

const READ_BYTES = 2 ** 18;
const CONNECT_MS = 5000;
const NO_BYTES = new Uint8Array(0);
const NONE: ReplySpace = { most: 0, allocate: () => NO_BYTES };

export class ByteConnection {
  readonly #options: RedisOptions;
  readonly #pauseBefore: (times: number) => number | null;
  readonly #onRefused: (error: Error) => void;
  /** Sent or to be sent; their replies come in this order. */
  #commands: Command[] = [];
  #socket: Socket | null = null;
  #phase: 'idle' | 'connecting' | 'open' | 'closed' = 'idle';
  #attempts = 0;
  #timer: NodeJS.Timeout | undefined;
  /** What the last attempt was refused with; null after one that was not. */
  #refusal: Error | null = null;
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);

  /**
   * Connects when it is used first. Commands outlive a lost connection: what has no reply is sent again, which does no harm
   * to any of these.
   * @param pauseBefore milliseconds before attempt 1, 2, ... to get a lost connection back; null: no more of them
   * @param onRefused told, before any command fails of it, that the Redis lets this connection in no more
   */
  constructor(
    options: RedisOptions,
    pauseBefore: (times: number) => number | null,
    onRefused: (error: Error) => void = () => undefined,
  ) {
    this.#options = options;
    this.#pauseBefore = pauseBefore;
    this.#onRefused = onRefused;
  }

  /** Puts bytes there, which are given in pieces. They must stay as they are until this resolves. */
  async set(key: string, pieces: readonly Uint8Array[], expireMs: number): Promise<void> {
    await this.#ask(['SET', key, pieces, 'PX', String(expireMs)], NONE);
  }

  /** The first `most` bytes of what is there; empty where nothing is. */
  async read(key: string, most: number, allocate: Allocate): Promise<Uint8Array> {
    const reply = await this.#ask(['GETRANGE', key, '0', String(most - 1)], { most, allocate });
    return reply.kind === 'bytes' ? reply.bytes : NO_BYTES;
  }

  async exists(key: string): Promise<boolean> {
    const reply = await this.#ask(['EXISTS', key], NONE);
    return reply.kind === 'number' && reply.value > 0;
  }

  /** Ends the connection at once; what has no reply fails. */
  close(): void {
    this.#giveUp(closed());
  }

  #ask(args: readonly (string | readonly Uint8Array[])[], space: ReplySpace): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const settle = (reply: Reply): void => {
        if (reply.kind === 'error') reject(new Error(reply.text));
        else resolve(reply);
      };
      const command = { pieces: encoded(args), space, settle, fail: reject };
      if (this.#phase === 'closed') {
        reject(closed());
        return;
      }
      this.#commands.push(command);
      if (this.#phase === 'idle') this.#connect();
      else if (this.#phase === 'open') this.#write([command], this.#socket);
    });
  }

  #write(commands: readonly Command[], socket: Socket | null): void {
    if (socket === null) return;
    socket.cork();
    for (const { pieces } of commands) for (const piece of pieces) socket.write(piece);
    // What else is asked for in this turn goes out with it.
    process.nextTick(() => {
      socket.uncork();
    });
  }

  #connect(): void {
    this.#phase = 'connecting';
    const { host, port, tls } = this.#options;
    const handshake = this.#handshake();
    const reader = new RespReader(
      () => (handshake[0] ?? this.#commands[0])?.space ?? NONE,
      (reply) => {
        const command = handshake.shift() ?? this.#commands.shift();
        if (command === undefined) throw new Error('Protocol error: an answer that nobody asked for');
        command.settle(reply);
      },
    );
    const onread = {
      buffer: this.#buffer,
      callback: (count: number, buffer: Uint8Array): boolean => {
        try {
          reader.push(buffer.subarray(0, count) as Buffer);
        } catch (error) {
          this.#giveUp(error as Error);
        }
        return true;
      },
    };
    const to = { host, port, onread, noDelay: true, keepAlive: true };
    const socket = tls === undefined ? connect(to) : connectTls({ ...to, ...tls });
    this.#socket = socket;
    socket.setTimeout(CONNECT_MS, () => socket.destroy());
    // Whatever it is, `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.#socket === socket) this.#lost();
    });
    socket.on(tls === undefined ? 'connect' : 'secureConnect', () => {
      this.#write(handshake, socket);
    });
  }

  /** What is said first. After its last reply the commands go out. */
  #handshake(): Command[] {
    const { username, password, db } = this.#options;
    const all: string[][] = [];
    if (password !== undefined) all.push(['AUTH', ...(username === undefined ? [] : [username]), password]);
    // The last is one that a Redis refuses while it still reads its file.
    all.push(['SELECT', String(db)], ['EXISTS', PLANS_KEY]);
    const fail = (error: Error): void => {
      if (isFinalRefusal(error)) {
        this.#onRefused(error);
        this.#giveUp(error);
        return;
      }
      // It reads its file, is busy, or has no room for another client: what passes is waited for.
      this.#refusal = error;
      this.#socket?.destroy();
    };
    return all.map((args, index) => ({
      pieces: encoded(args),
      space: NONE,
      fail,
      settle: (reply) => {
        if (reply.kind === 'error') fail(new Error(reply.text));
        else if (index === all.length - 1) this.#opened();
      },
    }));
  }

  #opened(): void {
    this.#phase = 'open';
    this.#attempts = 0;
    this.#refusal = null;
    this.#socket?.setTimeout(0);
    this.#write(this.#commands, this.#socket);
  }

  #lost(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'connecting';
    const pause = this.#pauseBefore(++this.#attempts);
    if (pause === null) this.#giveUp(this.#refusal ?? closed());
    else
      this.#timer = setTimeout(() => {
        this.#connect();
      }, pause);
  }

  #giveUp(error: Error): void {
    this.#phase = 'closed';
    clearTimeout(this.#timer);
    this.#socket?.destroy();
    for (const { fail } of this.#commands.splice(0)) fail(error);
  }
}

/** As ioredis says it: both are explained alike. */
function closed(): Error {
  return new Error('Connection is closed.');
}

function encoded(args: readonly (string | readonly Uint8Array[])[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let text = `*${args.length}\r\n`;
  for (const arg of args) {
    if (typeof arg === 'string') text += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
    else {
      text += `$${arg.reduce((sum, { length }) => sum + length, 0)}\r\n`;
      pieces.push(Buffer.from(text), ...arg);
      text = '\r\n';
    }
  }
  return [...pieces, Buffer.from(text)];
}
