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

const cut = { name: z.string().min(1), op: text, input, arrangement, output };

/** The content of a file of its own, which that file's reader reads. */
const content = z.record(z.string(), z.unknown());
const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** What the files of a whole model and of its client have in common. */
const flow = {
  name: text,
  inputs: z.array(port),
  outputs: z.array(port).min(1),
  segments: z.array(segment.nullable()).min(1),
  clear: z.array(z.strictObject({ name: text, op: text, reason: text })),
  macs: z.strictObject({ encrypted: natural, total: natural }),
};

/** Of a file, what `flow` has. */
export type FlowFile = z.infer<z.ZodObject<typeof flow>>;

const compiled = { version: z.literal(PLAN_VERSION), compiler: z.string().min(1).max(50) };

/** The whole: both sides' parts and the network to compare with. */
export const modelPlanFileSchema = z.strictObject({
  format: z.literal('cipherconv-model-plan'),
  ...compiled,
  ...flow,
  rounds: z.array(z.array(z.strictObject({ ...cut, plan: content }))),
  network: clearModelSchema,
  /** SHA-256 of all the rest, so that a change shows. */
  checksum: digest,
  digest,
});

export type ModelPlanFile = z.infer<typeof modelPlanFileSchema>;

/** The client's part. */
export const clientModelFileSchema = z.strictObject({
  format: z.literal('cipherconv-client-model'),
  version: z.literal(PLAN_VERSION),
  ...flow,
  rounds: z.array(z.array(z.strictObject({ ...cut, client: content }))),
  digest,
});

export type ClientModelFile = z.infer<typeof clientModelFileSchema>;

/** The server's part: the layers in the order in which they run. */
export const serverModelFileSchema = z.strictObject({
  format: z.literal('cipherconv-server-model'),
  ...compiled,
  name: text,
  layers: z.array(content).min(1),
  /** The client plan beside this file, which servers hand out; null for none. */
  clientPlan: z.string().min(1).max(255).nullable(),
  digest,
});
