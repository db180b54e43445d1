import { z } from 'zod';

/** The outside form of a network to train: `*.fit.json`. Strict: an unknown key is an error. */

/** A convolution over all channels before it. */
export interface ConvolutionLayer {
  /** What it is. */
  readonly kind: 'convolution';
  /** Output channels, at least 1. */
  readonly maps: number;
  /** [vertical, horizontal]. */
  readonly kernel: [number, number];
  /** [vertical, horizontal]. Default [1, 1]. */
  readonly strides: [number, number];
  /** [top, left, bottom, right]. Default zeros. */
  readonly pads: [number, number, number, number];
  /** How far from 0 its values may get. Default: what the recipe takes for this width and these inputs. */
  readonly bound?: number | undefined;
}

/** Every value times itself: the only activation. */
interface SquareLayer {
  /** What it is. */
  readonly kind: 'square';
}

/** Means over windows. */
export interface AveragePoolLayer {
  /** What it is. */
  readonly kind: 'averagePool';
  /** [vertical, horizontal]. */
  readonly kernel: [number, number];
  /** [vertical, horizontal]. Default: the kernel. */
  readonly strides?: [number, number] | undefined;
}

/** Every output from all values before it. */
export interface DenseLayer {
  /** What it is. */
  readonly kind: 'dense';
  /** Number of outputs, at least 1. */
  readonly outputs: number;
  /** How far from 0 its values may get. Default: what the recipe takes for this width. */
  readonly bound?: number | undefined;
}

/** One layer of an architecture. */
export type ArchitectureLayer = ConvolutionLayer | SquareLayer | AveragePoolLayer | DenseLayer;

/** A network to train, defaults filled in. */
export interface Architecture {
  /** Of the JSON schema, for editors; not read. */
  readonly $schema?: string | undefined;
  /** Version of the format. */
  readonly version: 1;
  /** Name of the network, 1 to 200 characters. */
  readonly name: string;
  /** What goes in. */
  readonly input: {
    /** [channels, height, width]. */
    readonly shape: [number, number, number];
    /** Integers that a pixel is rounded to: 0 to levels - 1; 2 to 256. */
    readonly levels: number;
    /** The largest pixel that occurs, which becomes the highest level. Default 255. */
    readonly largest: number;
  };
  /** From the input to the scores: linear layers with squares between them; the last one is dense, an output a class. */
  readonly layers: ArchitectureLayer[];
}

const extent = z.int().min(1).max(4096);
const pair = z.tuple([extent, extent]);
const pad = z.int().min(0).max(4096);
const bound = z
  .int()
  .min(1)
  .max(2 ** 26)
  .optional()
  .meta({ description: 'How far from 0 the values may get; chosen when left out.' });

const layerSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('convolution').meta({ description: 'A convolution over all channels before it.' }),
    maps: extent.meta({ description: 'Output channels.' }),
    kernel: pair.meta({ description: '[vertical, horizontal].' }),
    strides: pair.default([1, 1]).meta({ description: '[vertical, horizontal].' }),
    pads: z
      .tuple([pad, pad, pad, pad])
      .default([0, 0, 0, 0])
      .meta({ description: '[top, left, bottom, right].' }),
    bound,
  }),
  z.strictObject({ kind: z.literal('square').meta({ description: 'Every value times itself.' }) }),
  z.strictObject({
    kind: z.literal('averagePool').meta({ description: 'Means over windows.' }),
    kernel: pair.meta({ description: '[vertical, horizontal].' }),
    strides: pair.optional().meta({ description: '[vertical, horizontal]; the kernel when left out.' }),
  }),
  z.strictObject({
    kind: z.literal('dense').meta({ description: 'Every output from all values before it.' }),
    outputs: extent.meta({ description: 'Number of outputs; of the last layer: number of classes.' }),
    bound,
  }),
]);

export const architectureSchema = z.strictObject({
  $schema: z.string().optional().meta({ description: 'Where editors find this schema; not read.' }),
  version: z.literal(1).meta({ description: 'Version of the format.' }),
  name: z.string().min(1).max(200).meta({ description: 'Name of the network.' }),
  input: z
    .strictObject({
      shape: z
        .tuple([extent, extent, extent])
        .meta({ description: '[channels, height, width] of one picture.' }),
      levels: z
        .int()
        .min(2)
        .max(256)
        .meta({ description: 'Integers that a pixel is rounded to: 0 to levels - 1.' }),
      largest: z
        .int()
        .min(1)
        .max(255)
        .default(255)
        .meta({ description: 'The largest pixel that occurs, which becomes the highest level.' }),
    })
    .meta({ description: 'What goes in.' }),
  layers: z
    .array(layerSchema)
    .min(1)
    .max(32)
    .meta({ description: 'Linear layers with squares between them; the last one is dense.' }),
}) satisfies z.ZodType<Architecture>;

/** JSON Schema (draft 2020-12) of the architectures that `fit` trains, for editors. */
export function architectureJsonSchema(): Record<string, unknown> {
  return { title: 'cipherconv architecture', ...z.toJSONSchema(architectureSchema, { io: 'input' }) };
}
