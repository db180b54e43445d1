import { fc } from '../support/properties.ts';
import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { FrameReader, frameStart } from '../../src/server/workers/frames.ts';
import type { Frame } from '../../src/server/workers/frames.ts';
import { Connections } from '../../src/server/connections.ts';
import { KeyStore } from '../../src/server/keyStore.ts';
import type { AddedKeys } from '../../src/server/keyStore.ts';
import { createLog } from '../../src/server/log.ts';
import { Metrics } from '../../src/server/metrics.ts';
import { clientOf, RateLimit } from '../../src/server/rateLimit.ts';
import { ByteBudget } from '../../src/server/byteBudget.ts';

describe('frames', () => {
  const frame = fc.record({
    head: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer())),
    body: fc.uint8Array({ maxLength: 300 }),
  });

  it('come out as they went in, wherever the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 5 }), fc.integer({ min: 1, max: 50 }), (frames, chunk) => {
        const bytes = Buffer.concat(
          frames.flatMap(({ head, body }) => [frameStart(head, body.length), body]),
        );
        const received: Frame[] = [];
        const reader = new FrameReader(300, (next) => received.push(next));
        for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.subarray(at, at + chunk));
        expect(received.map(({ body }) => [...body])).toEqual(frames.map(({ body }) => [...body]));
        expect(JSON.stringify(received.map(({ head }) => head))).toBe(
          JSON.stringify(frames.map(({ head }) => head)),
        );
      }),
    );
  });

  it('that claim too much are refused before anything is allocated', () => {
    const reader = new FrameReader(100, () => undefined);
    expect(() => {
      reader.push(frameStart({ kind: 'done' }, 101));
    }).toThrow('101 bytes, at most 100');
    const long = new FrameReader(100, () => undefined);
    expect(() => {
      long.push(new Uint8Array(8).fill(0xff));
    }).toThrow('at most 65536');
  });

  it('whose head is not JSON are refused', () => {
    const bytes = frameStart({}, 0);
    bytes[bytes.length - 1] = 0x7b;
    expect(() => {
      new FrameReader(1, () => undefined).push(bytes);
    }).toThrow('not JSON');
  });
});

describe('the rate limit', () => {
  it('lets a second of requests through at once, then one every 1 / rate', () => {
    let now = 100;
    const limit = new RateLimit(4, () => now);
    expect(Array.from({ length: 5 }, () => limit.take('10.0.0.1'))).toEqual([0, 0, 0, 0, 0.25]);
    now += 0.25;
    expect([limit.take('10.0.0.1'), limit.take('10.0.0.1')]).toEqual([0, 0.25]);
    expect(limit.take('10.0.0.2')).toBe(0);
  });

  it('0 is unlimited', () => {
    const limit = new RateLimit(0);
    expect(Array.from({ length: 1000 }, () => limit.take('10.0.0.1')).every((wait) => wait === 0)).toBe(true);
  });

  it('remembers no more than so many addresses', () => {
    const limit = new RateLimit(1, () => 0);
    limit.take('first');
    expect(limit.take('first')).toBe(1);
    for (let index = 0; index < 10_000; index++) limit.take(`10.${index}`);
    expect(limit.take('first')).toBe(0);
  });

  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('%s counts as %s', (address, client) => {
    expect(clientOf(address)).toBe(client);
  });
});

describe('the key store', () => {
  const limits = { bytes: 100, bytesPerClient: 100, addressShare: 1, idleMs: 1000 };
  const idOf = (added: AddedKeys): string => (added.kind === 'added' ? added.id : '');

  it('keeps keys by an unguessable id, for their plan only', () => {
    const store = new KeyStore(limits);
    const id = idOf(store.add('me', 'a', new Uint8Array(10)));
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(store.use(id, 'a')?.message.length).toBe(10);
    expect(store.use(id, 'b')).toBeNull();
    expect(store.use('', 'a')).toBeNull();
  });

  it('is full until keys that nobody uses expire', () => {
    let now = 0;
    const store = new KeyStore(limits, () => now);
    const old = idOf(store.add('me', 'a', new Uint8Array(60)));
    now = 600;
    const used = idOf(store.add('you', 'a', new Uint8Array(40)));
    expect(store.add('me', 'a', new Uint8Array(1))).toEqual({ kind: 'no-room', shortage: 'everybody' });
    expect(store.secondsToRoom(null)).toBe(1);
    expect(store.secondsToRoom('you')).toBe(1);
    now = 1001;
    expect(store.use(old, 'a')).toBeNull();
    expect(store.use(used, 'a')).not.toBeNull();
    expect(store.bytes).toBe(40);
    now = 1900;
    expect(store.use(used, 'a')).not.toBeNull();
    now = 3000;
    expect(store.bytes).toBe(0);
  });

  it('takes nothing where it has no bytes', () => {
    const store = new KeyStore({ ...limits, bytes: 0 });
    expect(store.add('me', 'a', new Uint8Array(1))).toEqual({ kind: 'no-room', shortage: 'everybody' });
  });

  it('gives one client its share, in bytes and in sets, and leaves the rest to others', () => {
    const store = new KeyStore({ ...limits, bytesPerClient: 50 });
    expect(store.add('me', 'a', new Uint8Array(50)).kind).toBe('added');
    expect(store.add('me', 'a', new Uint8Array(1))).toEqual({ kind: 'no-room', shortage: 'client' });
    expect(store.add('you', 'a', new Uint8Array(50)).kind).toBe('added');
    const many = new KeyStore({ ...limits, addressShare: 0.5 });
    const added = Array.from({ length: 501 }, () => many.add('me', 'a', new Uint8Array(0)));
    expect(added.map(({ kind }) => kind).lastIndexOf('added')).toBe(499);
    expect(many.add('you', 'a', new Uint8Array(0)).kind).toBe('added');
  });
});

describe('the byte budget', () => {
  it('takes as bytes come, and gives everything back once, however often it is asked', () => {
    const budget = new ByteBudget({ total: 10, perClient: 10 });
    const account = budget.open('me');
    expect([account.take(5), account.take(3), account.take(3)]).toEqual([null, null, 'everybody']);
    expect(budget.taken).toBe(8);
    account.close();
    account.close();
    expect(budget.taken).toBe(0);
    // Nobody would give it back.
    expect(account.take(4)).toBeNull();
    expect(budget.taken).toBe(0);
    expect(budget.open('me').take(10)).toBeNull();
  });

  it('gives one client its share, over all of its requests', () => {
    const budget = new ByteBudget({ total: 10, perClient: 6 });
    const [first, second] = [budget.open('me'), budget.open('me')];
    expect([first.take(4), second.take(3), second.take(2)]).toEqual([null, 'client', null]);
    expect(budget.shortage('you', 4)).toBeNull();
    expect(budget.shortage('you', 5)).toBe('everybody');
    first.close();
    expect([budget.shortage('me', 4), budget.shortage('me', 5)]).toEqual([null, 'client']);
  });
});

describe('connections', () => {
  /** As much of a socket as is looked at. */
  class FakeSocket extends EventEmitter {
    readonly remoteAddress: string;
    destroyed = false;
    constructor(remoteAddress: string) {
      super();
      this.remoteAddress = remoteAddress;
    }
    destroy(): void {
      this.destroyed = true;
      this.emit('close');
    }
  }
  const socketFrom = (address: string): FakeSocket => new FakeSocket(address);

  it('past the limit of one client the one waited for longest makes room, among its own', () => {
    const connections = new Connections({ total: 10, perClient: 3 });
    const other = socketFrom('10.0.0.2');
    const mine = Array.from({ length: 5 }, () => socketFrom('10.0.0.1'));
    connections.add(other);
    for (const socket of mine) connections.add(socket);
    expect(mine.map(({ destroyed }) => destroyed)).toEqual([true, true, false, false, false]);
    expect([other.destroyed, connections.count]).toEqual([false, 4]);
  });

  it('past the limit of all anybody waited for makes room; whose request is worked on stays', () => {
    const connections = new Connections({ total: 2, perClient: 2 });
    const [first, second, third, fourth] = ['1', '2', '3', '4'].map((end) => socketFrom(`10.0.0.${end}`));
    connections.add(first!);
    connections.add(second!);
    const release = connections.hold(first!);
    connections.add(third!);
    expect([first!.destroyed, second!.destroyed]).toEqual([false, true]);
    connections.hold(third!);
    connections.add(fourth!);
    expect([first!.destroyed, third!.destroyed, fourth!.destroyed]).toEqual([false, false, true]);
    release();
    const fifth = socketFrom('10.0.0.5');
    connections.add(fifth);
    expect([first!.destroyed, fifth.destroyed, connections.count]).toEqual([true, false, 2]);
  });
});

describe('metrics and logs', () => {
  it('are in the Prometheus text format', () => {
    const metrics = new Metrics();
    metrics.requests.add({ path: '/a"b\\c\n', status: 200 });
    metrics.requests.add({ path: '/a"b\\c\n', status: 200 });
    metrics.evaluations.observe(0.004);
    const text = metrics.text({
      queue_length: 1,
      evaluations_running: 2,
      workers_ready: 3,
      workers_resident_bytes: 4,
      server_resident_bytes: 5,
      body_bytes: 6,
      hint_bytes: 0,
      evaluation_keys_bytes: 7,
    });
    expect(text).toContain('cipherconv_requests_total{path="/a\\"b\\\\c\\n",status="200"} 2\n');
    expect(text).toContain('cipherconv_seal_exceptions_total 0\n');
    expect(text).toContain('cipherconv_evaluation_seconds_bucket{le="0.0025"} 0\n');
    expect(text).toContain('cipherconv_evaluation_seconds_bucket{le="0.005"} 1\n');
    expect(text).toContain('cipherconv_evaluation_seconds_bucket{le="+Inf"} 1\n');
    expect(text).toContain('cipherconv_queue_length 1\n');
    for (const line of text.trimEnd().split('\n')) {
      expect(line).toMatch(/^(# (HELP|TYPE) cipherconv_\w+ .+|cipherconv_\w+(\{.*\})? [\d.e+-]+)$/);
    }
  });

  it('are one JSON object a line', () => {
    const lines: string[] = [];
    const log = createLog(
      (line) => lines.push(line),
      () => new Date(0),
    );
    log('info', { event: 'stopped' });
    expect(lines).toEqual(['{"time":"1970-01-01T00:00:00.000Z","level":"info","event":"stopped"}\n']);
  });

  it('steer no terminal, whatever a worker says, and stay the same JSON', () => {
    const lines: string[] = [];
    const text = 'a\u001b[2J\nb\u009b31m\u202ec\u{e0041}';
    createLog((line) => lines.push(line))('warn', { event: 'error', text, at: 'x' });
    expect(lines[0]!.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(JSON.parse(lines[0]!)).toMatchObject({ text });
  });
});
