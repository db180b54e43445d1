import { z } from 'zod';

/**
 * The outside form of a convolution: `*.conv.json`. Strict: an unknown key is an error.
 */

const extent = z.int().min(1);
const pair = z.tuple([extent, extent]);
const bits = z.int().min(1).max(16);

/** Integers as JSON numbers, or as decimal strings where they may pass 2^53. */
const wideInteger = z.union([z.int(), z.string().regex(/^-?\d{1,30}$/)]);

const inputSchema = z.strictObject({
  shape: z
    .tuple([extent, extent, extent, extent])
    .meta({ description: 'Extents of the input tensor, in the order that `layout` names.' }),
  layout: z.enum(['NCHW', 'NHWC']).default('NCHW'),
  bits: bits.meta({ description: 'Width of one input integer.' }),
  signed: z.boolean().default(false),
  zeroPoint: z.int().default(0),
  range: z
    .tuple([z.int(), z.int()])
    .optional()
    .meta({ description: 'Smallest and largest raw input that really occur; narrows what the bits allow.' }),
});

const npySchema = z.strictObject({
  npy: z.string().min(1).meta({ description: 'A .npy file, relative to the config.' }),
});

/** Nesting and element types are checked against `shape` afterwards, where the position of a fault is known. */
const nestedValues = z.array(z.unknown()).meta({
  description: 'The weights, flat in C order or nested like `shape`.',
  items: { anyOf: [{ type: 'integer' }, { type: 'array' }] },
});

const weightsSchema = z.strictObject({
  shape: z.tuple([extent, extent, extent, extent]).meta({
    description: 'Extents of the filter, in the order that `layout` names; I is input channels / group.',
  }),
  layout: z.enum(['OIHW', 'HWIO']).default('OIHW'),
  bits: bits.meta({ description: 'Width of one weight.' }),
  signed: z.boolean().default(false),
  zeroPoint: z
    .union([z.int(), z.array(z.int())])
    .default(0)
    .meta({ description: 'One zero point, or one per output channel.' }),
  values: z.union([nestedValues, npySchema]),
});

const accumulatorSchema = z.strictObject({
  bits: z.int().min(1).max(64),
  signed: z.boolean().default(false),
});

export const filterConfigSchema = z.strictObject({
  $schema: z.string().optional(),
  version: z.literal(1),
  name: z.string().min(1).max(200),
  input: inputSchema,
  weights: weightsSchema,
  bias: z.array(wideInteger).optional().meta({ description: 'One per output channel; zeros when left out.' }),
  strides: pair.default([1, 1]),
  pads: z
    .tuple([z.int().min(0), z.int().min(0), z.int().min(0), z.int().min(0)])
    .optional()
    .meta({ description: '[top, left, bottom, right]; zeros when left out.' }),
  autoPad: z
    .enum(['VALID', 'SAME_UPPER', 'SAME_LOWER'])
    .optional()
    .meta({ description: 'Instead of `pads`, as auto_pad of ONNX.' }),
  dilations: pair.default([1, 1]),
  group: extent.default(1),
  accumulator: accumulatorSchema
    .optional()
    .meta({ description: 'The width that the accumulator must hold to; no bound when left out.' }),
});

/** A filter config as parsed, defaults filled in, not yet checked against itself. */
export type FilterConfig = z.output<typeof filterConfigSchema>;

/** A filter config as written in a file, with defaults left out. */
export type FilterConfigInput = z.input<typeof filterConfigSchema>;

/** Order of the axes of input and output tensors outside; inside it is always NCHW. */
export type TensorLayout = FilterConfig['input']['layout'];

/** Order of the axes of the weights outside; inside it is always OIHW. */
export type WeightLayout = FilterConfig['weights']['layout'];

/**
 * How pads follow from the input size, as ONNX's auto_pad: none (`VALID`), or as many as keep ceil(size / stride)
 * outputs, the odd one at the end (`SAME_UPPER`) or at the beginning (`SAME_LOWER`).
 */
export type AutoPad = NonNullable<FilterConfig['autoPad']>;

/** JSON Schema (draft 2020-12) of `*.conv.json`, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  return { title: 'cipherconv filter config', ...z.toJSONSchema(filterConfigSchema, { io: 'input' }) };
}
