import { z } from 'zod';
import { ELEMENTS } from '../frontend/onnx/proto/codes.ts';
import type { ElementType } from '../frontend/onnx/proto/codes.ts';
import { PLAN_VERSION } from '../frontend/planVersion.ts';
import { clearModelSchema } from './clearModelSchema.ts';

/** Shape and types of a model's plan file, strict. What the numbers mean is `checkModelPlan`'s business. */

const natural = z.int().min(0);
const shape = z.array(natural).max(32);
const tensorName = z.string().min(1);
const text = z.string();
const element = z.enum(Object.keys(ELEMENTS) as [ElementType, ...ElementType[]]);
const floats = z.array(z.number());

const port = z.strictObject({ name: tensorName, type: element, shape: shape.nullable() });

const segment = z.strictObject({
  inputs: z.array(tensorName),
  outputs: z.array(tensorName).min(1),
  model: clearModelSchema,
});

const input = z.strictObject({
  tensor: tensorName,
  type: element,
  shape,
  permutation: z.array(natural).nullable(),
  kind: z.enum(['integer', 'scaled']),
  scale: z.number().nullable(),
});

const place = { tensor: tensorName, type: element, shape };

const output = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('accumulator'), ...place, permutation: z.array(natural).nullable() }),
  z.strictObject({ kind: z.literal('scaled'), ...place, scales: floats, bias: floats.nullable() }),
  z.strictObject({
    kind: z.literal('requantized'),
    ...place,
    requantization: z.strictObject({
      kind: z.literal('qlinear'),
      scale: floats,
      outputZeroPoint: z.int(),
      clamp: z.strictObject({ lo: z.int(), hi: z.int() }),
    }),
  }),
]);

const positive = z.int().min(1);
const phaseAxis = z.strictObject({
  size: positive,
  offset: natural,
  phases: z.array(natural.nullable()).min(1),
});
const arrangement = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('same') }),
  z.strictObject({ kind: z.literal('slices'), count: positive }),
  z.strictObject({
    kind: z.literal('phases'),
    map: z.strictObject({ rows: phaseAxis, columns: phaseAxis }),
  }),
]);

const layer = z.strictObject({
  name: z.string().min(1),
  op: text,
  input,
  arrangement,
  output,
  /** A plan file's content, which `parsePlan` reads. */
  plan: z.record(z.string(), z.unknown()),
});

export const modelPlanFileSchema = z.strictObject({
  format: z.literal('cipherconv-model-plan'),
  version: z.literal(PLAN_VERSION),
  compiler: z.string().min(1).max(50),
  name: text,
  inputs: z.array(port),
  outputs: z.array(port).min(1),
  segments: z.array(segment.nullable()).min(1),
  rounds: z.array(z.array(layer)),
  clear: z.array(z.strictObject({ name: text, op: text, reason: text })),
  macs: z.strictObject({ encrypted: natural, total: natural }),
  network: clearModelSchema,
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});

export type ModelPlanFile = z.infer<typeof modelPlanFileSchema>;
