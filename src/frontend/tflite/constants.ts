import { elementCount } from '../../../compiler/base/tensor.ts';
import type { DenseTensor } from '../../interpreter/values.ts';
import { ELEMENTS } from '../onnx/proto/codes.ts';
import { malformed, quoted, unsupported } from '../onnx/refusal.ts';
import { elementsOf } from './elements.ts';
import { MAX_COPIED_ELEMENTS } from './limits.ts';
import type { TfliteFile, TfliteTensor } from './readTflite.ts';

/**
 * The tensors that have values in the file. Bytes are looked at where they lie; wider elements are copied.
 * @throws CipherconvError `malformed-model` for a buffer of another length than the shape asks for, `unsupported` for
 * 64-bit integers that a double does not hold
 */
export function constantsOf({ file, tensors, inputs }: TfliteFile): Map<string, DenseTensor> {
  const given = new Set(inputs);
  const constants = new Map<string, DenseTensor>();
  let copied = 0;
  for (const [index, tensor] of tensors.entries()) {
    if (tensor.data === null || given.has(index)) continue;
    const count = elementCount(tensor.shape);
    if (ELEMENTS[tensor.type].bits > 8) copied += count;
    if (copied > MAX_COPIED_ELEMENTS)
      throw unsupported({
        where: file,
        message: 'not supported yet: so many constants of 16 bits and more',
        expected: `at most ${MAX_COPIED_ELEMENTS}`,
      });
    constants.set(tensor.name, constantOf(tensor, tensor.data, count, `${file}: ${quoted(tensor.name)}`));
  }
  return constants;
}

function constantOf(
  { type, shape }: TfliteTensor,
  data: Uint8Array,
  count: number,
  where: string,
): DenseTensor {
  const expected = (count * ELEMENTS[type].bits) / 8;
  if (data.length !== expected)
    throw malformed({
      where,
      message: 'its buffer has another length than its shape',
      expected: `${expected} bytes for ${type} [${shape.join(', ')}]`,
      found: `${data.length} bytes`,
    });
  return { type, shape, data: elementsOf(type, data, count, where) };
}
