import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from '../../frontend/onnx/proto/onnx_pb.ts';
import type { ClearModel } from '../../model/clearModel.ts';
import { layersOf } from '../../model/modelFlow.ts';
import type { ClearNode, LayerCut, ModelFlow } from '../../model/modelFlow.ts';
import type { ModelPicture, OperatorCount, PictureEdge, PictureNode } from './report.ts';

/** What is known of a box before edges are drawn: the tensors that it reads and makes. */
interface Box extends PictureNode {
  readonly reads: readonly string[];
  readonly makes: readonly string[];
}

/** A compiled model as boxes: rows of what the client computes, and of layers that the server computes encrypted. */
export function modelPicture(flow: ModelFlow<LayerCut>): ModelPicture {
  const boxes = [...inputs(flow), ...stages(flow), ...outputs(flow)];
  const makers = new Map<string, number>();
  boxes.forEach(({ kind, makes }, index) => {
    if (kind !== 'output') for (const tensor of makes) makers.set(tensor, index);
  });
  const edges = boxes.flatMap(({ reads }, to) =>
    reads.flatMap((tensor): PictureEdge[] => {
      const from = makers.get(tensor);
      return from === undefined || from === to ? [] : [{ from, to, tensor }];
    }),
  );
  const nodes = boxes.map(({ row, kind, name, operators, refused, layer }) => ({
    row,
    kind,
    name,
    operators,
    refused,
    layer,
  }));
  return { nodes, edges };
}

const PLAIN = { operators: [], refused: [], layer: null } as const;

function inputs({ inputs: ports }: ModelFlow<LayerCut>): Box[] {
  return ports.map(({ name }) => ({ ...PLAIN, row: 0, kind: 'input', name, reads: [], makes: [name] }));
}

function outputs({ outputs: ports, rounds }: ModelFlow<LayerCut>): Box[] {
  const row = 2 * rounds.length + 2;
  return ports.map(({ name }) => ({ ...PLAIN, row, kind: 'output', name, reads: [name], makes: [] }));
}

function stages(flow: ModelFlow<LayerCut>): Box[] {
  const { segments, rounds, clear } = flow;
  const layers = layersOf(flow);
  return segments.flatMap((segment, index): Box[] => {
    const round = rounds[index] ?? [];
    const encrypted = round.map((layer): Box => ({
      ...PLAIN,
      row: 2 * index + 2,
      kind: 'encrypted',
      name: layer.name,
      operators: [{ op: layer.op, count: 1 }],
      layer: layers.indexOf(layer),
      reads: [layer.input.tensor],
      makes: [layer.output.tensor],
    }));
    if (segment === null) return encrypted;
    const nodes = nodesOf(segment.model);
    const names = new Set(nodes.map(({ name }) => name));
    const refused = clear.filter(({ name }: ClearNode) => names.has(name));
    const client: Box = {
      row: 2 * index + 1,
      kind: refused.length > 0 ? 'refused' : 'clear',
      name: `client, step ${index + 1}`,
      operators: countOperators(nodes.map(({ op }) => op)),
      refused,
      layer: null,
      reads: segment.inputs,
      makes: segment.outputs,
    };
    return [client, ...encrypted];
  });
}

function nodesOf(model: ClearModel): { name: string; op: string }[] {
  switch (model.format) {
    case 'onnx':
      return (fromBinary(ModelProtoSchema, model.bytes).graph?.node ?? []).map(({ name, opType }) => ({
        name,
        op: opType,
      }));
    case 'tflite':
      return model.nodes.map(({ name, operation }) => ({ name, op: operation.op }));
    default:
      return model satisfies never;
  }
}

function countOperators(operators: readonly string[]): OperatorCount[] {
  const counts = new Map<string, number>();
  for (const op of operators) counts.set(op, (counts.get(op) ?? 0) + 1);
  return [...counts].map(([op, count]) => ({ op, count })).sort((left, right) => right.count - left.count);
}
