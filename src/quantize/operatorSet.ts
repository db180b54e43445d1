import { CipherconvError } from '../../compiler/base/errors.ts';
import { bodyBytes } from '../frontend/onnx/graph/bodies.ts';
import { FreshNames } from '../frontend/onnx/proto/freshNames.ts';
import type { TensorProto } from '../frontend/onnx/proto/onnx_pb.ts';
import { conversionOf, Writer } from './conversions.ts';
import type { Source } from './source.ts';

/** DequantizeLinear takes a scale for each channel from this operator set on. */
const NEEDED = 13n;

/**
 * Operators that compute the same with the same attributes and inputs from a version up to operator set 13 (ONNX,
 * docs/Changelog.md): newer versions between take more types, or inputs that may be left out.
 */
const SAME_SINCE: ReadonlyMap<string, number> = new Map(
  Object.entries({
    1: 'Constant,Conv,ConvTranspose,DepthToSpace,Flatten,Gather,GlobalAveragePool,GlobalMaxPool,Identity,LRN,MatMul,MaxPool,ReduceL1,ReduceL2,ReduceMax,ReduceMean,ReduceMin,Shape,Size,SpaceToDepth,Transpose',
    4: 'Concat',
    5: 'Reshape',
    6: 'Abs,Cast,Ceil,Elu,Exp,Floor,HardSigmoid,InstanceNormalization,LeakyRelu,Log,Max,Mean,Min,Neg,Reciprocal,Relu,Selu,Sigmoid,Sqrt,Sum,Tanh,Tile',
    7: 'Add,And,AveragePool,BatchNormalization,Cos,Div,Equal,Gemm,Greater,Less,Mul,Or,PRelu,Pow,Sin,Sub,Xor',
    8: 'Expand',
    9: 'ConstantOfShape,Erf,Sign,Where',
    11: 'Clip,Pad,Resize',
    12: 'Dropout',
  }).flatMap(([version, names]) => names.split(',').map((name) => [name, Number(version)] as const)),
);

/**
 * The model in an operator set that has what quantization writes; itself where it is new enough. Operators that changed in
 * between are written as they are today.
 * @throws CipherconvError `unsupported` where that is not known of an operator
 */
export function raised({ proto, graph }: Source, file: string): Source {
  const own = proto.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  const version = own?.version ?? 0n;
  if (own === undefined || version >= NEEDED) return { proto, graph };
  const writer = new Writer(new FreshNames(graph));
  for (const node of graph.node) {
    if (node.domain !== '' && node.domain !== 'ai.onnx')
      throw tooOld(`${node.domain}.${node.opType}`, version, file);
    const convert = conversionOf(node, Number(version));
    const since = SAME_SINCE.get(node.opType) ?? Infinity;
    if (convert !== null) convert(writer);
    else if (Number(version) >= since && bodyBytes(node).length === 0) writer.nodes.push(node);
    else throw tooOld(node.opType, version, file);
  }
  const opsetImport = proto.opsetImport.map((each) => (each === own ? { ...own, version: NEEDED } : each));
  const irVersion = proto.irVersion < 7n ? 7n : proto.irVersion;
  const initializer: TensorProto[] = [...graph.initializer, ...writer.constants];
  return {
    proto: { ...proto, opsetImport, irVersion },
    graph: { ...graph, node: writer.nodes, initializer },
  };
}

function tooOld(op: string, version: bigint, file: string): CipherconvError {
  return new CipherconvError({
    code: 'unsupported',
    where: file,
    message: `not supported yet: ${op} of operator set ${version}`,
    expected: `operator set ${NEEDED} or newer`,
    found: String(version),
    hint: `export it again, or convert it: onnx.version_converter.convert_version(model, ${NEEDED})`,
  });
}
