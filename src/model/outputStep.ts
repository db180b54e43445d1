import { decodeTensor } from '../frontend/onnx/proto/tensorProto.ts';
import { ELEMENTS } from '../frontend/onnx/proto/codes.ts';
import type { ModelProto } from '../frontend/onnx/proto/onnx_pb.ts';
import { RESHAPING } from '../frontend/onnx/operators/reshaping.ts';
import { unsupported } from '../frontend/onnx/refusal.ts';

/**
 * What one step of an output's quantization is worth: 1 for the integers themselves, the scale for what a DequantizeLinear makes
 * of them. null where the output is no quantized tensor.
 */
export function stepOfOutput({ graph }: ModelProto, name: string): number | null {
  const nodes = graph?.node ?? [];
  let tensor = name;
  // As many nodes as there are: a graph has no cycles, and this ends all the same.
  for (let left = nodes.length; left > 0; left--) {
    const producer = nodes.find(({ output }) => output.includes(tensor));
    if (producer === undefined) return null;
    if (/^(QuantizeLinear|QLinear.*|.*Integer)$/.test(producer.opType)) return 1;
    if (producer.opType === 'DequantizeLinear') return scaleOf({ graph }, producer.input[1] ?? '');
    if (!RESHAPING.has(producer.opType)) return null;
    tensor = producer.input[0] ?? '';
  }
  return null;
}

/** The one value of an initializer. */
function scaleOf({ graph }: Pick<ModelProto, 'graph'>, name: string): number | null {
  const proto = graph?.initializer.find((tensor) => tensor.name === name);
  if (proto?.dataType !== ELEMENTS.float32.code) return null;
  const { data } = decodeTensor(proto, name, () => {
    throw unsupported({ where: name, message: 'not supported yet: external data here' });
  });
  const [scale] = data;
  return data.length === 1 && scale !== undefined && scale > 0 ? scale : null;
}
