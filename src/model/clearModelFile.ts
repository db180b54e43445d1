import { CipherconvError } from '../../compiler/base/errors.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import { fromBase64, toBase64 } from '../frontend/base64.ts';
import { ELEMENTS } from '../frontend/onnx/proto/codes.ts';
import { bytesOf, elementsOf } from '../frontend/tflite/elements.ts';
import type { DenseTensor } from '../interpreter/values.ts';
import type { ClearModel } from './clearModel.ts';
import type { ClearModelFile } from './clearModelSchema.ts';

/** Graphs in a model's plan file. */

export function encodeClearModel(model: ClearModel): object {
  if (model.format === 'onnx') return { format: 'onnx', bytes: toBase64(model.bytes) };
  const { format, rounding, nodes, tensors, constants } = model;
  return {
    format,
    rounding,
    nodes: nodes.map(({ name, operation, inputs, outputs }) => ({ name, operation, inputs, outputs })),
    tensors: [...tensors].map(([name, tensor]) => ({ name, ...tensor })),
    constants: [...constants].map(([name, { type, shape, data }]) => ({
      name,
      type,
      shape,
      data: toBase64(bytesOf(type, data)),
    })),
  };
}

/** @throws CipherconvError `malformed-plan` for a constant of another length than its shape. */
export function decodeClearModel(model: ClearModelFile, where: string): ClearModel {
  if (model.format === 'onnx') return { format: 'onnx', bytes: fromBase64(model.bytes) };
  const { format, rounding, nodes, tensors, constants } = model;
  return {
    format,
    rounding,
    nodes,
    tensors: new Map(tensors.map(({ name, ...tensor }) => [name, tensor])),
    constants: new Map(constants.map((constant) => [constant.name, decodeConstant(constant, where)])),
  };
}

type Constant = Extract<ClearModelFile, { format: 'tflite' }>['constants'][number];

function decodeConstant({ name, type, shape, data }: Constant, where: string): DenseTensor {
  const bytes = fromBase64(data);
  const count = elementCount(shape);
  const expected = (count * ELEMENTS[type].bits) / 8;
  if (bytes.length === expected) return { type, shape, data: elementsOf(type, bytes, count, where) };
  throw new CipherconvError({
    code: 'malformed-plan',
    where,
    message: `the constant ${JSON.stringify(name)} has another length than its shape`,
    expected: `${expected} bytes`,
    found: `${bytes.length} bytes`,
  });
}
