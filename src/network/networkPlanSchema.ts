import { z } from 'zod';
import { DEGREES } from '../../compiler/bfv/security.ts';
import { ELEMENTS } from '../frontend/onnx/proto/codes.ts';
import type { ElementType } from '../frontend/onnx/proto/codes.ts';
import { PLAN_VERSION } from '../frontend/planVersion.ts';

/** Shape and types of a network's plan file, strict. What the numbers mean is `verifyNetwork`'s business. */

export const NETWORK_PLAN_FORMAT = 'cipherconv-network-plan';

const natural = z.int().min(0);
const positive = z.int().min(1);
const name = z.string().min(1).max(2000);
const shape = z.array(positive).max(32);
const integerText = z.string().regex(/^-?\d{1,400}$/);
const prime = z.string().regex(/^[1-9]\d{0,18}$/);
const hex = z.string().regex(/^[0-9a-f]{64}$/);
const element = z.enum(Object.keys(ELEMENTS) as [ElementType, ...ElementType[]]);

const stage = z.strictObject({
  name,
  inputs: positive,
  outputs: positive,
  starts: z.array(natural),
  columns: z.array(natural),
  weights: z.array(z.int()),
  bias: z.array(z.int()),
});

export const networkPlanSchema = z.strictObject({
  format: z.literal(NETWORK_PLAN_FORMAT),
  version: z.literal(PLAN_VERSION),
  compiler: z.string().min(1).max(50),
  port: z.strictObject({
    name,
    type: element,
    shape,
    quantize: z.strictObject({ scale: z.number().positive(), zeroPoint: z.int() }).nullable(),
  }),
  output: name,
  plan: z.strictObject({
    spec: z.strictObject({
      name: z.string().max(2000),
      input: z.strictObject({ shape, range: z.strictObject({ lo: z.int(), hi: z.int() }) }),
      stages: z.array(stage).min(1).max(16),
      output: z.strictObject({
        shape,
        scale: z.strictObject({ numerator: integerText, denominator: integerText }),
      }),
    }),
    analysis: z.strictObject({
      stages: z.array(z.strictObject({ name, lo: integerText, hi: integerText })),
      logits: z.array(z.strictObject({ lo: integerText, hi: integerText, modulus: integerText })),
      provedBits: z.number().min(0),
    }),
    parameters: z.strictObject({
      degree: z.literal(DEGREES),
      plainModuli: z.array(positive).min(1).max(8),
      dataPrimes: z.array(prime).min(1).max(16),
      specialPrime: prime,
      securityBits: z.literal([128, 192, 256]),
    }),
    layout: z.array(
      z.strictObject({
        copyBits: natural.max(16),
        inner: z.enum(['data', 'junk']),
        babies: positive.max(65536),
      }),
    ),
    primes: z.array(z.strictObject({ products: positive, sums: positive })),
    noise: z.strictObject({ failure: z.literal('2^-128'), predictedBudgetBits: z.int() }),
    counts: z.strictObject({
      moduli: positive,
      inputCiphertexts: positive,
      products: natural,
      rotations: natural,
      squares: natural,
      ntt: natural,
    }),
    bytes: z.strictObject({ upload: natural, response: natural, keys: natural }),
    report: z.strictObject({
      considered: natural,
      estimatedMilliseconds: z.number().min(0),
      refused: z.array(z.strictObject({ degree: z.literal(DEGREES), reason: z.string() })),
    }),
  }),
  blind: hex.nullable(),
  digest: hex,
});
