import { z } from 'zod';
import { DEGREES } from '../../compiler/bfv/security.ts';
import { NETWORK_PLAN_VERSION } from '../frontend/planVersion.ts';
import {
  hex,
  input,
  integerText,
  logits,
  name,
  natural,
  output,
  parameters,
  port,
  positive,
} from './clientNetworkSchema.ts';
import { NETWORK_PLAN_FORMAT } from './networkPlan.ts';

/** Shape and types of a network's plan file, strict. What the numbers mean is `verifyNetwork`'s business. */

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
  version: z.literal(NETWORK_PLAN_VERSION),
  compiler: z.string().min(1).max(50),
  port,
  output: name,
  plan: z.strictObject({
    spec: z.strictObject({
      name: z.string().max(2000),
      input,
      stages: z.array(stage).min(1).max(16),
      output,
    }),
    analysis: z.strictObject({
      stages: z.array(z.strictObject({ name, lo: integerText, hi: integerText })),
      logits,
      provedBits: z.number().min(0),
    }),
    parameters,
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
