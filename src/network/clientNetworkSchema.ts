import { z } from 'zod';
import { DEGREES } from '../../compiler/bfv/security.ts';
import type { NetworkView } from '../../compiler/network/view.ts';
import { ELEMENTS } from '../frontend/onnx/proto/codes.ts';
import type { ElementType } from '../frontend/onnx/proto/codes.ts';
import { NETWORK_PLAN_VERSION } from '../frontend/planVersion.ts';
import type { NetworkPort } from './port.ts';

/** Shape and types of the client plan of a network, strict, and what its plan file has in common with it. */

export const CLIENT_NETWORK_FORMAT = 'cipherconv-client-network';

export const natural = z.int().min(0);
export const positive = z.int().min(1);
export const name = z.string().min(1).max(2000);
const shape = z.array(positive).max(32);
export const integerText = z.string().regex(/^-?\d{1,400}$/);
export const hex = z.string().regex(/^[0-9a-f]{64}$/);
const prime = z.string().regex(/^[1-9]\d{0,18}$/);
const element = z.enum(Object.keys(ELEMENTS) as [ElementType, ...ElementType[]]);

/** One issue for a whole list, however many of its entries are wrong. */
const integers = z.custom<readonly number[]>(
  (value) => Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry)),
  'an array of integers',
);

export const port = z.strictObject({
  name,
  type: element,
  shape,
  quantize: z.strictObject({ scale: z.number().positive(), zeroPoint: z.int() }).nullable(),
}) satisfies z.ZodType<NetworkPort>;

export const input = z.strictObject({ shape, range: z.strictObject({ lo: z.int(), hi: z.int() }) });

export const output = z.strictObject({
  shape,
  scale: z.strictObject({ numerator: integerText, denominator: integerText }),
});

export const logits = z.array(z.strictObject({ lo: integerText, hi: integerText, modulus: integerText }));

export const parameters = z.strictObject({
  degree: z.literal(DEGREES),
  plainModuli: z.array(positive).min(1).max(8),
  dataPrimes: z.array(prime).min(1).max(16),
  specialPrime: prime,
  securityBits: z.literal([128, 192, 256]),
});

const view = z.strictObject({
  name: z.string().max(2000),
  input,
  output,
  parameters,
  uploads: z.strictObject({ supports: z.array(integers), rows: integers }),
  keys: z.strictObject({
    steps: integers,
    exchange: z.boolean(),
    relinearization: z.boolean(),
    bytes: natural,
  }),
  results: z.strictObject({ slots: integers, sums: integers }),
  resultPrimes: positive,
  logits,
}) satisfies z.ZodType<NetworkView>;

export const clientNetworkSchema = z.strictObject({
  format: z.literal(CLIENT_NETWORK_FORMAT),
  version: z.literal(NETWORK_PLAN_VERSION),
  port,
  output: name,
  view,
  commitment: hex,
  digest: hex,
});
