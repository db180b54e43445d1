import { z } from 'zod';
import { DEGREES } from '../../compiler/security.ts';
import type { Plan } from '../../compiler/plan.ts';

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

const spec = z.strictObject({
  name: z.string().min(1).max(200),
  input: z.strictObject({
    batch: positive,
    channels: positive,
    height: positive,
    width: positive,
    bits: positive,
    signed: z.boolean(),
    zeroPoint: z.int(),
    range: interval,
  }),
  weights: z.strictObject({
    outChannels: positive,
    channelsPerGroup: positive,
    kernelHeight: positive,
    kernelWidth: positive,
    bits: positive,
    signed: z.boolean(),
    zeroPoints: z.array(z.int()),
    values: z.array(z.int()),
  }),
  bias: z.array(z.int()),
  strides: z.tuple([positive, positive]),
  pads: z.tuple([natural, natural, natural, natural]),
  dilations: z.tuple([positive, positive]),
  group: positive,
  accumulator: width.nullable(),
});

const packing = z.strictObject({
  lowering: z.literal('toeplitz'),
  degree,
  phaseFactors: z.strictObject({ rows: positive, columns: positive }),
  tile: z.strictObject({ height: positive, width: positive }),
  rowPitch: withinRing,
  channelPitch: withinRing,
  channelsPerCiphertext: withinRing,
  blocksPerCiphertext: withinRing,
  outputsPerProduct: withinRing,
});

const planShape = {
  format: z.literal('cipherconv-plan'),
  version: z.literal(1),
  compiler: z.string().min(1).max(50),
  spec,
  analysis: z.strictObject({
    interval,
    channels: z.array(interval),
    decodeWidth: positive,
    required: width,
  }),
  parameters: z.strictObject({
    degree,
    plainModulus: positive,
    dataPrimes: z.array(prime),
    specialPrime: prime.nullable(),
    securityBits: z.literal([128, 192, 256]),
  }),
  packing,
  kernel: z.enum(['ntt', 'direct']),
  direct: z
    .strictObject({ limbBits: positive.max(16), limbs: positive, laneL1: positive, folds: natural })
    .nullable(),
  windows: z.strictObject({ low: z.array(z.int()), residueLow: z.array(z.int()) }),
  transfer: z.strictObject({ usedChunks: indices, emptyRows: indices }),
  wire: z.strictObject({ uploadC0: natural, responseC0: natural, responseC1: natural }),
  noise: z.strictObject({
    failure: z.enum(['never', '2^-128']),
    rowL1: natural,
    rowL2Squared: natural,
    predictedBudgetBits: z.int(),
  }),
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
    objective: z.enum(['latency', 'bandwidth']),
    considered: natural,
    estimatedMilliseconds: z.number().min(0),
    refused: z.array(z.strictObject({ degree, reason: z.string() })),
  }),
};

/** Typed by the plan, so that it fails to compile when the plan and its schema drift apart. */
export const planSchema: z.ZodType<Plan> = z.strictObject(planShape);

/** A plan file: the plan, the layout of its tensors outside, and the digest of all that. */
export const planFileSchema = z.strictObject({
  ...planShape,
  layout: z.enum(['NCHW', 'NHWC']),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});
