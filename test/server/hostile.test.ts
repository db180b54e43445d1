/**
 * What node-seal does badly with hostile bytes, row by row, against the server: refused by our own checks, or not to be
 * expressed in our format at all. Every case is tried as a body by itself and as the payload of a message of ours, where
 * SEAL's bytes are nothing but coefficients.
 */
import { deflateSync, zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { createContext } from '../../runtime/seal/context.ts';
import { saveBytes } from '../../runtime/seal/envelope.ts';
import { loadSeal } from '../../runtime/seal/module.ts';
import { withScope } from '../../runtime/seal/scope.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { createPlanServer } from '../../src/server/index.ts';
import type { PlanServer } from '../../src/server/index.ts';
import { diagonals, square } from '../support/diagonals.ts';
import { OCTETS, serve } from '../support/served.ts';
import type { Answer, Served } from '../support/served.ts';
import { simpleSpec } from '../support/simple.ts';

const HEADER_BYTES = 40;
const SEED_BYTES = 32;
const MIB = 2 ** 20;

/** Uploads end in a seed, which tests rely on. */
const plan = compileSpec(simpleSpec(), { upload: 'seeded' });
const rotating = diagonals(square(2, 0));
let served: Served;
let rotated: Served;
/** The same plan in this process: what a well-formed message has to give. */
let reference: PlanServer;
/** A full ciphertext of the plan as SEAL itself writes it, uncompressed. */
let envelope: Uint8Array;

async function sealEnvelope(of: Plan): Promise<Uint8Array> {
  const seal = await loadSeal();
  return withScope((scope) => {
    const context = createContext(scope, seal, of.parameters);
    const ciphertext = scope.own(new seal.Ciphertext(context.context, context.firstParmsId));
    ciphertext.resize(2);
    return saveBytes(seal, ciphertext);
  });
}

beforeAll(async () => {
  served = await serve(plan);
  rotated = await serve(rotating, { keysMemoryBytes: 64 * MIB });
  reference = await createPlanServer(storedPlan(plan, 'NCHW'));
  envelope = await sealEnvelope(plan);
});

afterAll(async () => {
  reference.dispose();
  await served.close();
  await rotated.close();
});

afterEach(async () => {
  // Whatever was sent: no SEAL exception, no worker lost, little memory, and an honest request is right.
  expect(await served.metric('seal_exceptions_total')).toBe(0);
  expect(served.events.filter(({ event }) => event === 'worker-retired')).toEqual([]);
  expect(rotated.events.filter(({ event }) => event === 'worker-retired')).toEqual([]);
  expect(await served.metric('server_resident_bytes')).toBeLessThan(512 * MIB);
  // Two workers: the one that evaluates and the spare.
  expect(await served.metric('workers_resident_bytes')).toBeLessThan(2 * 512 * MIB);
  const answer = await served.post(served.upload);
  expect(served.client.decrypt(answer.body)).toEqual(convolve(plan.spec, served.input));
});

function expectMalformed(answer: Answer, field: string): void {
  expect(answer.json).toMatchObject({ status: 400, field });
}

/** As a body by itself: of another length, or of ours but without our magic. */
async function expectRefusedRaw(bytes: Uint8Array): Promise<void> {
  const raw = await served.post(bytes);
  expect([400, 413]).toContain(raw.status);
  const fitted = new Uint8Array(served.upload.length);
  fitted.set(bytes.subarray(0, fitted.length));
  expectMalformed(await served.post(fitted), 'magic');
}

/** Inside a message of ours: numbers to compute with, as the evaluator says, or refused as such. */
async function expectOnlyNumbers(bytes: Uint8Array): Promise<void> {
  const message = served.upload.slice();
  message.set(bytes.subarray(0, message.length - HEADER_BYTES - SEED_BYTES), HEADER_BYTES);
  const answer = await served.post(message);
  let expected: Uint8Array | null = null;
  try {
    expected = reference.evaluate(message);
  } catch {
    expectMalformed(answer, 'upload[0]');
  }
  if (expected === null) return;
  expect(answer.status).toBe(200);
  expect(Buffer.compare(answer.body, expected)).toBe(0);
}

async function expectHarmless(bytes: Uint8Array): Promise<void> {
  await expectRefusedRaw(bytes);
  await expectOnlyNumbers(bytes);
}

type Compression = 'none' | 'zlib' | 'zstd';
const COMPRESSION = { none: 0, zlib: 1, zstd: 2 } as const;

/** SEAL's header: magic, its own size, version 4.1, compression, reserved, size of everything. */
function sealHeader(compression: Compression, size: bigint, reserved = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xa15e, true);
  bytes.set([16, 4, 1, COMPRESSION[compression]], 2);
  view.setUint16(6, reserved, true);
  view.setBigUint64(8, size, true);
  return bytes;
}

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function changed(bytes: Uint8Array, at: number, values: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

describe("SEAL's own bytes", () => {
  it('a whole ciphertext as SEAL writes it', () => expectHarmless(envelope));

  it('truncated', () => expectHarmless(envelope.subarray(0, envelope.length / 2)));

  it('bad magic', () => expectHarmless(changed(envelope, 0, [0, 0])));

  it('trailing garbage', () => expectHarmless(join(envelope, new Uint8Array(1000).fill(7))));

  it('reserved bytes', () => expectHarmless(changed(envelope, 6, [1, 1])));

  // After the 16 bytes of header: parms_id (32), is_ntt (1), size (8), degree (8), primes (8), scale (8).
  it('NTT flag set', () => expectHarmless(changed(envelope, 48, [1])));

  it('ciphertext of size 0', () => {
    const empty = join(sealHeader('none', 113n), envelope.subarray(16, 49), new Uint8Array(64));
    expect(empty.length).toBe(113);
    return expectHarmless(empty);
  });

  it('seeded ciphertext with size 16', () => expectHarmless(changed(envelope, 49, [16])));

  it('wrong parameters: the parms_id of others', () =>
    expectHarmless(changed(envelope, 16, new Array<number>(32).fill(1))));

  it.each<Compression>(['zlib', 'zstd'])(
    'size lie: a 16-byte %s header that claims 2^31 - 1 bytes',
    (compression) => expectHarmless(sealHeader(compression, 2n ** 31n - 1n)),
  );

  it('zstd bomb: kilobytes that unpack to a gigabyte', () => {
    const packed = zstdCompressSync(new Uint8Array(64 * MIB));
    const bomb = join(...new Array<Uint8Array>(16).fill(packed));
    return expectHarmless(join(sealHeader('zstd', BigInt(bomb.length + 16)), bomb));
  });

  it('zlib bomb', () => {
    const bomb = deflateSync(new Uint8Array(16 * MIB));
    return expectHarmless(join(sealHeader('zlib', BigInt(bomb.length + 16)), bomb));
  });

  it('a bomb in an inner array under an uncompressed header', () => {
    const bomb = zstdCompressSync(new Uint8Array(64 * MIB));
    const inner = join(sealHeader('zstd', BigInt(bomb.length + 16)), bomb);
    return expectHarmless(
      join(sealHeader('none', BigInt(97 + inner.length)), envelope.subarray(16, 97), inner),
    );
  });

  it('the same bombs as packed HTTP bodies: 415, never unpacked', async () => {
    const bomb = deflateSync(new Uint8Array(16 * MIB)).subarray(0, served.upload.length);
    for (const encoding of ['gzip', 'deflate', 'br', 'zstd', 'identity, gzip']) {
      expect((await served.post(bomb, { headers: { 'content-encoding': encoding } })).status).toBe(415);
    }
  });
});

describe('our own format', () => {
  it('wrong plan: an upload of another plan, and one that only says so', async () => {
    const other = changed(served.upload, 8, [...Buffer.from(rotated.digest, 'hex')]);
    expectMalformed(await served.post(other), 'digest');
    expect((await served.post(rotated.upload)).status).toBe(413);
    const path = `/v1/plans/${rotated.digest}/evaluate`;
    expectMalformed(
      await rotated.send('POST', path, { body: served.upload, headers: OCTETS }),
      'Cipherconv-Evaluation-Keys',
    );
  });

  it.each<[string, number, number, string]>([
    ['magic', 0, 0x5e, 'magic'],
    ['the version before', 4, 1, 'version'],
    ['a version to come', 4, 3, 'version'],
    ['kind: a response', 5, 2, 'kind'],
    ['kind: unknown', 5, 255, 'kind'],
    ['reserved bytes', 6, 1, 'reserved'],
    ['reserved bytes', 7, 128, 'reserved'],
  ])('%s at byte %i', async (_, at, value, field) => {
    expectMalformed(await served.post(changed(served.upload, at, [value])), field);
  });

  it('coefficient >= q, first and last', async () => {
    const end = served.upload.length - SEED_BYTES;
    for (const at of [HEADER_BYTES, end - 4]) {
      expectMalformed(await served.post(changed(served.upload, at, [255, 255, 255, 255])), 'upload[0]');
    }
  });

  it('size lies: there is no size to lie about, only the length of the body', async () => {
    for (const length of [0, 1, HEADER_BYTES - 1, HEADER_BYTES, served.upload.length - 1]) {
      expectMalformed(await served.post(served.upload.slice(0, length)), 'length');
    }
    expect((await served.post(join(served.upload, Uint8Array.of(0)))).status).toBe(413);
  });

  it('transparent: c1 comes from a seed and cannot be 0; c0 = 0 is computed with', async () => {
    await expectOnlyNumbers(new Uint8Array(served.upload.length));
    const zeros = served.upload.slice().fill(0, HEADER_BYTES);
    const answer = await served.post(zeros);
    expect(answer.status).toBe(200);
    expect(Buffer.compare(answer.body, reference.evaluate(zeros))).toBe(0);
  });

  it('transparent, where uploads carry c1: computed with by the direct kernel, not compiled for the other', async () => {
    const whole = await serve(compileSpec(simpleSpec(), { kernel: 'direct', upload: 'whole' }));
    try {
      const zeros = whole.upload.slice().fill(0, HEADER_BYTES);
      expect((await whole.post(zeros)).status).toBe(200);
      const c1 = whole.upload.slice();
      c1.fill(0, c1.length - 1000);
      expect((await whole.post(c1)).status).toBe(200);
      expect(await whole.metric('seal_exceptions_total')).toBe(0);
      const answer = await whole.post(whole.upload);
      expect(whole.client.decrypt(answer.body)).toEqual(convolve(plan.spec, whole.input));
    } finally {
      await whole.close();
    }
    expect(() => compileSpec(simpleSpec(), { kernel: 'ntt', upload: 'whole' })).toThrow(
      expect.objectContaining({ code: 'unsupported' }),
    );
  });

  it('values outside of what the plan was made for: the client refuses to encrypt them', () => {
    const { shape, data } = served.input;
    expect(() => served.client.encrypt({ shape, data: data.map(() => 4) })).toThrow(
      'outside the input range',
    );
  });

  it('a thousand refused uploads leave the worker as it was', async () => {
    const bad = changed(served.upload, HEADER_BYTES, [255, 255, 255, 255]);
    for (let round = 0; round < 20; round++) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => served.post(bad)));
      expect(answers.every(({ status }) => status === 400)).toBe(true);
    }
  });
});

describe('evaluation keys', () => {
  const put = (body: Uint8Array): Promise<Answer> =>
    rotated.send('PUT', `/v1/plans/${rotated.digest}/evaluation-keys`, { body, headers: OCTETS });

  it('Galois keys header with huge dimensions, alone and in a message of ours', async () => {
    const keys = rotated.client.evaluationKeys();
    const dimensions = new Uint8Array(8).fill(0xff);
    const huge = join(sealHeader('none', 2n ** 40n), new Uint8Array(32), dimensions);
    expectMalformed(await put(huge), 'length');
    const fitted = keys.slice().fill(0);
    fitted.set(huge);
    expectMalformed(await put(fitted), 'magic');
    const inside = keys.slice();
    inside.set(huge, HEADER_BYTES);
    const answer = await put(inside);
    // As coefficients they are below their primes or not; either way nothing is allocated for them.
    if (answer.status !== 201) expectMalformed(answer, 'evaluationKeys[0]');
  });

  it('longer than the plan says: 413', async () => {
    expect((await put(join(rotated.client.evaluationKeys(), Uint8Array.of(0)))).status).toBe(413);
  });

  it('coefficient >= q', async () => {
    const keys = changed(rotated.client.evaluationKeys(), HEADER_BYTES, new Array<number>(16).fill(255));
    expectMalformed(await put(keys), 'evaluationKeys[0]');
  });

  it('an upload where keys are expected', async () => {
    const keys = changed(rotated.client.evaluationKeys(), 5, [1]);
    expectMalformed(await put(keys), 'kind');
  });
});
