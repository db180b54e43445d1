import { z } from 'zod';
import { DEGREES } from '../../compiler/bfv/security.ts';
import type { DiagonalsPlan } from '../../compiler/diagonals/plan.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { PLAN_VERSION } from './planVersion.ts';

/**
 * Shape and types of a plan file, strict. What the numbers mean is `verify`'s business; the bounds here only keep
 * absurd sizes away from it.
 */

const natural = z.int().min(0);
const positive = z.int().min(1);
const indices = z.array(natural);
const degree = z.literal(DEGREES);
const interval = z.strictObject({ lo: z.int(), hi: z.int() });
const width = z.strictObject({ bits: z.int().min(0).max(64), signed: z.boolean() });
/** Primes have at most 60 bits: 19 decimal digits. */
const prime = z.string().regex(/^[1-9]\d{0,18}$/);
/** Pitches and numbers of blocks, all of which count coefficients of one ring element. */
const withinRing = positive.max(32768);

const inputShape = z.strictObject({
  batch: positive,
  channels: positive,
  height: positive,
  width: positive,
  bits: positive,
  signed: z.boolean(),
  zeroPoint: z.int(),
  range: interval,
});

const weightShape = {
  outChannels: positive,
  channelsPerGroup: positive,
  kernelHeight: positive,
  kernelWidth: positive,
  bits: positive,
  signed: z.boolean(),
};

const attributes = {
  strides: z.tuple([positive, positive]),
  pads: z.tuple([natural, natural, natural, natural]),
  dilations: z.tuple([positive, positive]),
  group: positive,
};

const name = z.string().min(1).max(200);

/** A convolution without its weights and biases. */
export const convShape = z.strictObject({
  name,
  input: inputShape,
  weights: z.strictObject(weightShape),
  ...attributes,
});

const spec = z.strictObject({
  name,
  input: inputShape,
  weights: z.strictObject({ ...weightShape, zeroPoints: z.array(z.int()), values: z.array(z.int()) }),
  bias: z.array(z.int()),
  ...attributes,
  accumulator: width.nullable(),
});

export const parameters = z.strictObject({
  degree,
  plainModulus: positive,
  // The security table leaves room for 62 primes of 14 bits.
  dataPrimes: z.array(prime).max(62),
  specialPrime: prime.nullable(),
  securityBits: z.literal([128, 192, 256]),
});

const droppedBits = { uploadC0: natural, responseC0: natural, responseC1: natural };

/** How ciphertexts travel, as client plans say it. */
export const planWire = z.strictObject({
  upload: z.enum(['seeded', 'seal-seeded', 'whole', 'hint']),
  ...droppedBits,
});
export const sealSeededWire = z.strictObject({ upload: z.literal('seal-seeded'), ...droppedBits });

export const toeplitzPacking = z.strictObject({
  phaseFactors: z.strictObject({ rows: positive, columns: positive }),
  tile: z.strictObject({ height: positive, width: positive }),
  rowPitch: withinRing,
  channelPitch: withinRing,
  channelsPerCiphertext: withinRing,
  blocksPerCiphertext: withinRing,
  outputsPerProduct: withinRing,
});

/** Slots of a slot row, which has half of the ring's. */
const withinRow = natural.max(16384);

export const diagonalsPacking = z.strictObject({
  rowPitch: positive,
  planePitch: positive.max(16384),
  planesPerRow: positive.max(16384),
  period: positive.max(16384).nullable(),
  steps: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('rotate-inputs') }),
    z.strictObject({ kind: z.literal('rotate-results') }),
    z.strictObject({ kind: z.literal('baby-giant'), origin: withinRow, size: positive.max(16384) }),
  ]),
});

/** A natural number that may pass 2^53. */
const decimal = z.string().regex(/^(0|[1-9]\d{0,99})$/);

/** What was asked for; `auto` leaves it to the compiler. */
const request = z.strictObject({
  lowering: z.enum(['auto', 'toeplitz', 'diagonals']),
  objective: z.enum(['latency', 'bandwidth', 'total']),
  degree: z.literal(['auto', ...DEGREES]),
  security: z.literal([128, 192, 256]),
  failure: z.enum(['auto', 'never', '2^-128']),
  kernel: z.enum(['auto', 'ntt', 'direct']),
  upload: z.enum(['auto', 'seeded', 'whole']),
  protocol: z.enum(['auto', 'standard', 'hint']),
  engine: z.enum(['auto', 'seal']),
  inferences: positive,
  linkMegabitsPerSecond: z.number().positive(),
});

const baseShape = {
  format: z.literal('cipherconv-plan'),
  version: z.literal(PLAN_VERSION),
  compiler: z.string().min(1).max(50),
  request,
  spec,
  analysis: z.strictObject({
    interval,
    channels: z.array(interval),
    decodeWidth: positive,
    required: width,
  }),
  parameters,
  windows: z.strictObject({ low: z.array(z.int()), residueLow: z.array(z.int()) }),
  transfer: z.strictObject({ usedChunks: indices, emptyRows: indices }),
  wire: z.strictObject(droppedBits),
  counts: z.strictObject({
    inputCiphertexts: natural,
    outputCiphertexts: natural,
    products: natural,
    ntt: natural,
    rotations: natural,
    weightPlaintexts: natural,
  }),
  bytes: z.strictObject({ upload: natural, response: natural }),
  report: z.strictObject({
    considered: natural,
    estimatedMilliseconds: z.number().min(0),
    refused: z.array(z.strictObject({ degree, reason: z.string() })),
  }),
};

const failure = z.enum(['never', '2^-128']);

const toeplitzShape = {
  ...baseShape,
  lowering: z.literal('toeplitz'),
  execution: z.discriminatedUnion('kernel', [
    z.strictObject({ kernel: z.literal('ntt'), upload: z.enum(['seeded', 'seal-seeded']) }),
    z.strictObject({
      kernel: z.literal('direct'),
      lanes: z.strictObject({
        limbBits: positive.max(16),
        limbs: positive,
        laneL1: positive,
        folds: natural,
      }),
      upload: z.enum(['seeded', 'whole', 'hint']),
    }),
  ]),
  packing: toeplitzPacking,
  noise: z.strictObject({
    failure,
    rowL1: natural,
    rowL2Squared: natural,
    predictedBudgetBits: z.int(),
  }),
};

const diagonalsShape = {
  ...baseShape,
  lowering: z.literal('diagonals'),
  packing: diagonalsPacking,
  noise: z.strictObject({
    failure,
    rowL1: decimal,
    rotatedL1: decimal,
    freshSquare: decimal,
    keySquare: decimal,
    rotations: natural,
    predictedBudgetBits: z.int(),
  }),
  keys: z.strictObject({ steps: z.array(withinRow), exchange: z.boolean(), bytes: natural }),
};

/** 32 bytes. */
export const hex32 = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * What the files of both views have beside the view: the layout of its tensors outside, what is known of the hint, and
 * the digest of all that.
 */
export const fileShape = {
  layout: z.enum(['NCHW', 'NHWC']),
  hint: z.strictObject({ sha256: hex32, bytes: natural }).nullable(),
  digest: hex32,
};

const serverShape = { ...fileShape, blind: hex32.nullable() };
// `satisfies`: they fail to compile when a plan and its schema drift apart.
const toeplitzFile = z.strictObject({ ...toeplitzShape, ...serverShape }) satisfies z.ZodType<ToeplitzPlan>;
const diagonalsFile = z.strictObject({
  ...diagonalsShape,
  ...serverShape,
}) satisfies z.ZodType<DiagonalsPlan>;

/** Whether parsed JSON says that it is a diagonals plan, or the view of one. */
export function saysDiagonals(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'lowering' in value && value.lowering === 'diagonals';
}

/** The schema of a plan file by the lowering that it names, so that faults are told of that one alone. */
export function planFileSchema(value: unknown): typeof toeplitzFile | typeof diagonalsFile {
  return saysDiagonals(value) ? diagonalsFile : toeplitzFile;
}
