import type { ModelWriter } from '../../../bench/models/modelWriter.ts';
import type { AttributeProto, TensorProto } from '../../../src/frontend/onnx/proto/onnx_pb.ts';

function attributeText({ name, i, f, s, ints }: AttributeProto): string {
  if (s.length > 0) return `${name}=${new TextDecoder().decode(s)}`;
  return `${name}=${ints.length > 0 ? `[${ints.join()}]` : i || f}`;
}

function constantText({ name, dims, dataType }: TensorProto): string {
  return `${name}:${dataType}[${dims.join()}]`;
}

/** One line a node, such as `Conv_3 = Conv(x, c1:3[4,2,3,3]) pads=[0,1]`; constants with data type and shape. */
export function describeNodes({ nodes, initializers }: ModelWriter): string {
  const constants = new Map(initializers.map((tensor) => [tensor.name, constantText(tensor)]));
  return nodes
    .map(({ opType, input, output, attribute }) => {
      const inputs = input.map((name) => constants.get(name) ?? name).join(', ');
      return [`${output.join()} = ${opType}(${inputs})`, ...attribute.map(attributeText)].join(' ');
    })
    .join('\n');
}
