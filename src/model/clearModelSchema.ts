import { z } from 'zod';
import { ELEMENTS } from '../frontend/onnx/proto/codes.ts';
import type { ElementType } from '../frontend/onnx/proto/codes.ts';

/** Graphs in a model's plan file, strict. What the numbers mean is checked where the plan is. */

const name = z.string().min(1);
const names = z.array(z.string());
const int = z.int();
const count = z.int().min(0);
const shape = z.array(z.int().min(1)).max(32);
const element = z.enum(Object.keys(ELEMENTS) as [ElementType, ...ElementType[]]);

const pair = z.tuple([z.int().min(1), z.int().min(1)]);
const activation = z.enum(['NONE', 'RELU', 'RELU_N1_TO_1', 'RELU6']);
const window = { padding: z.enum(['SAME', 'VALID']), strides: pair, activation };
const biasType = z.literal('int32').nullable();
const op = <const N extends string>(value: N): { op: z.ZodLiteral<N> } => ({ op: z.literal(value) });
const plain = <const N extends string>(value: N): z.ZodObject<{ op: z.ZodLiteral<N> }, z.core.$strict> =>
  z.strictObject(op(value));

const operation = z.discriminatedUnion('op', [
  z.strictObject({ ...op('CONV_2D'), ...window, dilations: pair, biasType }),
  z.strictObject({ ...op('DEPTHWISE_CONV_2D'), ...window, dilations: pair }),
  z.strictObject({ ...op('FULLY_CONNECTED'), activation, biasType }),
  z.strictObject({ ...op('TRANSPOSE_CONV'), ...window }),
  z.strictObject({
    ...op('REQUANTIZE'),
    activation,
    of: z.enum(['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED', 'TRANSPOSE_CONV']),
    wide: z.boolean(),
  }),
  z.strictObject({ ...op('ADD'), activation }),
  z.strictObject({ ...op('SUB'), activation }),
  z.strictObject({ ...op('MUL'), activation }),
  z.strictObject({ ...op('AVERAGE_POOL_2D'), ...window, window: pair }),
  z.strictObject({ ...op('MAX_POOL_2D'), ...window, window: pair }),
  z.strictObject({ ...op('MEAN'), keepDims: z.boolean() }),
  z.strictObject({ ...op('SOFTMAX'), beta: z.number() }),
  z.strictObject({ ...op('CONCATENATION'), activation, axis: int }),
  z.strictObject({
    ...op('STRIDED_SLICE'),
    beginMask: int,
    endMask: int,
    ellipsisMask: int,
    newAxisMask: int,
    shrinkAxisMask: int,
  }),
  z.strictObject({ ...op('LEAKY_RELU'), alpha: z.number() }),
  plain('LOGISTIC'),
  plain('PAD'),
  plain('PADV2'),
  plain('RESHAPE'),
  plain('SQUEEZE'),
  plain('TRANSPOSE'),
  plain('QUANTIZE'),
  plain('DEQUANTIZE'),
  plain('RELU'),
  plain('RELU6'),
  plain('RELU_N1_TO_1'),
  plain('RELU_0_TO_1'),
]);

const tensor = z.strictObject({
  name,
  type: element,
  shape,
  scales: z.array(z.number().min(0)),
  zeroPoints: z.array(int),
  axis: count,
});

/** An ONNX model, or operators of a TFLite one. */
export const clearModelSchema = z.discriminatedUnion('format', [
  z.strictObject({ format: z.literal('onnx'), bytes: z.base64() }),
  z.strictObject({
    format: z.literal('tflite'),
    rounding: z.enum(['double', 'single']),
    nodes: z.array(z.strictObject({ name, operation, inputs: names, outputs: names })),
    tensors: z.array(tensor),
    constants: z.array(z.strictObject({ name, type: element, shape, data: z.base64() })),
  }),
]);

export type ClearModelFile = z.infer<typeof clearModelSchema>;
