import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ByteConnection } from '../../src/farm/byteConnection.ts';
import { RespReader } from '../../src/farm/respReader.ts';
import type { Reply, ReplySpace } from '../../src/farm/respReader.ts';

const space = (most: number): ReplySpace => ({ most, allocate: (bytes) => new Uint8Array(bytes) });

describe('replies', () => {
  const stream = Buffer.from('+OK\r\n:12\r\n$5\r\na\r\nbc\r\n-ERR no\r\n$1\r\nx\r\n$0\r\n\r\n');
  const right: Reply[] = [
    { kind: 'text', text: 'OK' },
    { kind: 'number', value: 12 },
    { kind: 'bytes', bytes: new Uint8Array(Buffer.from('a\r\nbc')) },
    { kind: 'error', text: 'ERR no' },
    { kind: 'bytes', bytes: new Uint8Array(Buffer.from('x')) },
    { kind: 'bytes', bytes: new Uint8Array(0) },
  ];

  it('are read from chunks cut anywhere, of which nothing is kept', () => {
    for (let length = 1; length <= stream.length; length++) {
      const replies: Reply[] = [];
      const reader = new RespReader(
        () => space(5),
        (reply) => replies.push(reply),
      );
      const lent = Buffer.alloc(length);
      for (let at = 0; at < stream.length; at += length) {
        const count = stream.copy(lent, 0, at);
        reader.push(lent.subarray(0, count));
        lent.fill(0xff);
      }
      expect(replies).toEqual(right);
    }
  });

  it.each([
    ['more bytes than there is space for', '$6\r\n'],
    ['a type that was not asked for', '*1\r\n'],
    ['a length that is none', '$x\r\n'],
    ['a line without an end', '+'.repeat(70_000)],
  ])('%s are refused', (_, text) => {
    const reader = new RespReader(
      () => space(5),
      () => undefined,
    );
    expect(() => {
      reader.push(Buffer.from(text));
    }).toThrow(/Protocol error/);
  });
});

describe('a connection for bytes', () => {
  const opened: { close: () => void }[] = [];
  afterEach(() => {
    for (const one of opened.splice(0)) one.close();
  });

  /** A server that is told what each connection says, and its number. */
  async function listen(onData: (text: string, socket: Socket, number: number) => void): Promise<number> {
    let number = 0;
    const sockets: Socket[] = [];
    const server: Server = createServer((socket) => {
      const own = number++;
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        onData(chunk.toString('latin1'), socket, own);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    opened.push({
      close: () => {
        for (const socket of sockets) socket.destroy();
        server.close();
      },
    });
    return (server.address() as AddressInfo).port;
  }

  function connect(port: number, pause: (times: number) => number | null, password?: string): ByteConnection {
    const options = { host: '127.0.0.1', port, db: 3, ...(password === undefined ? {} : { password }) };
    const connection = new ByteConnection(options, pause);
    opened.push(connection);
    return connection;
  }
  const HELLO = '*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*2\r\n$6\r\nEXISTS\r\n$16\r\ncipherconv:plans\r\n';

  it('says again what had no reply when the connection was cut, and waits for a Redis that reads its file', async () => {
    const said: string[] = ['', '', ''];
    const port = await listen((text, socket, number) => {
      said[number] = `${said[number]}${text}`;
      if (said[number] === HELLO)
        socket.write(number === 1 ? '+OK\r\n-LOADING not yet\r\n' : '+OK\r\n:0\r\n');
      else if (number === 0) socket.destroy();
      else socket.write('+OK\r\n$3\r\nyes\r\n:1\r\n');
    });
    const pauses: number[] = [];
    const connection = connect(port, (times) => {
      pauses.push(times);
      return 1;
    });
    const set = connection.set('k', [Buffer.from('ab'), Buffer.from('c')], 9);
    const read = connection.read('k', 4, (bytes) => new Uint8Array(bytes));
    expect(await connection.exists('k')).toBe(true);
    await set;
    expect(Buffer.from(await read).toString()).toBe('yes');
    const commands =
      '*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nabc\r\n$2\r\nPX\r\n$1\r\n9\r\n' +
      '*4\r\n$8\r\nGETRANGE\r\n$1\r\nk\r\n$1\r\n0\r\n$1\r\n3\r\n*2\r\n$6\r\nEXISTS\r\n$1\r\nk\r\n';
    expect(said).toEqual([HELLO + commands, HELLO, HELLO + commands]);
    expect(pauses).toEqual([1, 2]);
  });

  it.each([
    '-ERR max number of clients reached',
    '-BUSY a script runs',
    '-MASTERDOWN no link',
    '-LOADING not yet',
  ])('comes back after %s', async (refusal) => {
    const port = await listen((_, socket, number) => {
      if (number < 2) socket.end(`${refusal}\r\n`);
      else socket.write('+OK\r\n:0\r\n:1\r\n');
    });
    const pauses: number[] = [];
    const connection = connect(port, (times) => {
      pauses.push(times);
      return 1;
    });
    expect(await connection.exists('k')).toBe(true);
    expect(pauses).toEqual([1, 2]);
    // Nobody waits for ever: what it was refused with is what it fails with.
    const always = await listen((_, socket) => socket.end(`${refusal}\r\n`));
    const given = connect(always, (times) => (times < 3 ? 1 : null));
    await expect(given.exists('k')).rejects.toThrow(refusal.slice(1));
  });

  it('fails what has no reply when it is given up, refused, or closed', async () => {
    const port = await listen((text, socket) => {
      if (text.includes('AUTH')) socket.write('-WRONGPASS no\r\n');
      else socket.destroy();
    });
    const givenUp = connect(port, (times) => (times < 3 ? 1 : null));
    await expect(givenUp.exists('k')).rejects.toThrow(/Connection is closed/);
    await expect(givenUp.exists('k')).rejects.toThrow(/Connection is closed/);
    await expect(connect(port, () => 1, 'x').exists('k')).rejects.toThrow(/WRONGPASS/);
    const closed = connect(port, () => 10_000);
    const pending = closed.exists('k');
    closed.close();
    await expect(pending).rejects.toThrow(/Connection is closed/);
  });
});
