import { z } from 'zod';

/**
 * The outside form of a convolution: `*.conv.json`. Strict: an unknown key is an error.
 */

/** Order of the axes of input and output tensors outside; inside it is always NCHW. */
export type TensorLayout = 'NCHW' | 'NHWC';

/** Order of the axes of the weights outside; inside it is always OIHW. */
export type WeightLayout = 'OIHW' | 'HWIO';

/**
 * How pads follow from the input size, as ONNX's auto_pad: none (`VALID`), or as many as keep ceil(size / stride)
 * outputs, the odd one at the end (`SAME_UPPER`) or at the beginning (`SAME_LOWER`).
 */
export type AutoPad = 'VALID' | 'SAME_UPPER' | 'SAME_LOWER';

/** The input of a filter config. */
export interface ConfigInput {
  /** Extents in the order of `layout`, each at least 1. */
  readonly shape: [number, number, number, number];
  /** Default NCHW. */
  readonly layout?: TensorLayout;
  /** Bits of one input integer, 1 to 16. */
  readonly bits: number;
  /** Default false. */
  readonly signed?: boolean;
  /** The raw integer that stands for 0. Default 0. */
  readonly zeroPoint?: number;
  /** Smallest and largest raw input that really occur. Default: all that the bits allow. */
  readonly range?: [number, number] | undefined;
}

/** The filter of a filter config. */
export interface ConfigWeights {
  /** Extents in the order of `layout`, each at least 1; I is input channels / group. */
  readonly shape: [number, number, number, number];
  /** Default OIHW. */
  readonly layout?: WeightLayout;
  /** Bits of one weight, 1 to 16. */
  readonly bits: number;
  /** Default false. */
  readonly signed?: boolean;
  /** One, or one per output channel. Default 0. */
  readonly zeroPoint?: number | number[];
  /** Raw weights, flat in C order or nested like `shape`; or a .npy file, relative to the config. */
  readonly values: unknown[] | ConfigNpy;
}

/** Weights that lie in a file of their own. */
export interface ConfigNpy {
  /** Path of the .npy file, relative to the config and below its folder. */
  readonly npy: string;
}

/** The width that a filter config holds its accumulator to. */
export interface ConfigAccumulator {
  /** Bits, 1 to 64. */
  readonly bits: number;
  /** Default false. */
  readonly signed?: boolean;
}

/** A filter config as written in a file, with defaults left out. */
export interface FilterConfigInput {
  /** Of the JSON schema, for editors; not read. */
  readonly $schema?: string | undefined;
  /** Version of the format. */
  readonly version: 1;
  /** Name of the convolution, 1 to 200 characters. */
  readonly name: string;
  /** The integers that enter. */
  readonly input: ConfigInput;
  /** The filter. */
  readonly weights: ConfigWeights;
  /** One per output channel; decimal strings where they may pass 2^53. Default: zeros. */
  readonly bias?: (number | string)[] | undefined;
  /** [vertical, horizontal]. Default [1, 1]. */
  readonly strides?: [number, number];
  /** [top, left, bottom, right], not together with `autoPad`. Default: zeros. */
  readonly pads?: [number, number, number, number] | undefined;
  /** Pads that follow from the input size, instead of `pads`. */
  readonly autoPad?: AutoPad | undefined;
  /** [vertical, horizontal]. Default [1, 1]. */
  readonly dilations?: [number, number];
  /** Number of groups. Default 1. */
  readonly group?: number;
  /** The width that the accumulator must hold to. Default: no bound. */
  readonly accumulator?: ConfigAccumulator | undefined;
}

/** A filter config as parsed, defaults filled in, not yet checked against itself. */
export interface FilterConfig extends Omit<
  FilterConfigInput,
  'input' | 'weights' | 'strides' | 'dilations' | 'group' | 'accumulator'
> {
  /** The integers that enter. */
  readonly input: ConfigInput & Required<Pick<ConfigInput, 'layout' | 'signed' | 'zeroPoint'>>;
  /** The filter. */
  readonly weights: ConfigWeights & Required<Pick<ConfigWeights, 'layout' | 'signed' | 'zeroPoint'>>;
  /** [vertical, horizontal]. */
  readonly strides: [number, number];
  /** [vertical, horizontal]. */
  readonly dilations: [number, number];
  /** Number of groups. */
  readonly group: number;
  /** The width that the accumulator must hold to; absent for no bound. */
  readonly accumulator?: Required<ConfigAccumulator> | undefined;
}

const extent = z.int().min(1);
const pair = z.tuple([extent, extent]);
const bits = z.int().min(1).max(16);

/** Integers as JSON numbers, or as decimal strings where they may pass 2^53. */
const wideInteger = z.union([z.int(), z.string().regex(/^-?\d{1,30}$/)]);

const inputSchema = z.strictObject({
  shape: z
    .tuple([extent, extent, extent, extent])
    .meta({ description: 'Extents of the input tensor, in the order that `layout` names.' }),
  layout: z
    .enum(['NCHW', 'NHWC'])
    .default('NCHW')
    .meta({ description: 'Order of the axes of input and output tensors.' }),
  bits: bits.meta({ description: 'Width of one input integer.' }),
  signed: z.boolean().default(false).meta({ description: "Whether inputs are two's complement." }),
  zeroPoint: z.int().default(0).meta({ description: 'The raw integer that stands for 0.' }),
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
  layout: z.enum(['OIHW', 'HWIO']).default('OIHW').meta({ description: 'Order of the axes of the weights.' }),
  bits: bits.meta({ description: 'Width of one weight.' }),
  signed: z.boolean().default(false).meta({ description: "Whether weights are two's complement." }),
  zeroPoint: z
    .union([z.int(), z.array(z.int())])
    .default(0)
    .meta({ description: 'One zero point, or one per output channel.' }),
  values: z
    .union([nestedValues, npySchema])
    .meta({ description: 'The weights, or a .npy file that holds them.' }),
});

const accumulatorSchema = z.strictObject({
  bits: z.int().min(1).max(64).meta({ description: 'Bits that every sum has to fit.' }),
  signed: z.boolean().default(false).meta({ description: "Whether they are two's complement." }),
});

export const filterConfigSchema = z.strictObject({
  $schema: z.string().optional().meta({ description: 'Where editors find this schema; not read.' }),
  version: z.literal(1).meta({ description: 'Version of the format.' }),
  name: z.string().min(1).max(200).meta({ description: 'Name of the convolution.' }),
  input: inputSchema.meta({ description: 'The integers that enter.' }),
  weights: weightsSchema.meta({ description: 'The filter.' }),
  bias: z.array(wideInteger).optional().meta({ description: 'One per output channel; zeros when left out.' }),
  strides: pair.default([1, 1]).meta({ description: '[vertical, horizontal].' }),
  pads: z
    .tuple([z.int().min(0), z.int().min(0), z.int().min(0), z.int().min(0)])
    .optional()
    .meta({ description: '[top, left, bottom, right]; zeros when left out.' }),
  autoPad: z
    .enum(['VALID', 'SAME_UPPER', 'SAME_LOWER'])
    .optional()
    .meta({ description: 'Instead of `pads`, as auto_pad of ONNX.' }),
  dilations: pair.default([1, 1]).meta({ description: '[vertical, horizontal].' }),
  group: extent.default(1).meta({ description: 'Number of groups that channels are divided into.' }),
  accumulator: accumulatorSchema
    .optional()
    .meta({ description: 'The width that the accumulator must hold to; no bound when left out.' }),
}) satisfies z.ZodType<FilterConfig>;

/** JSON Schema (draft 2020-12) of `*.conv.json`, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  return { title: 'cipherconv filter config', ...z.toJSONSchema(filterConfigSchema, { io: 'input' }) };
}
