import { CipherconvError } from '../../compiler/base/errors.ts';
import type { GraphProto, ModelProto } from '../frontend/onnx/proto/onnx_pb.ts';

/** DequantizeLinear takes a scale for each channel from this operator set on. */
const NEEDED = 13n;
/** Add and its like broadcast as they do today from this one on. */
const OLDEST = 7n;
/** Operators that compute the same in all operator sets in between. */
const SAME = new Set(
  [
    'Abs,Add,AveragePool,Clip,Concat,Constant,Conv,ConvTranspose,Div,Elu,Exp,Flatten,Gather,Gemm,GlobalAveragePool',
    'GlobalMaxPool,Identity,LRN,LeakyRelu,MatMul,MaxPool,Mul,Neg,PRelu,Relu,Reshape,Shape,Sigmoid,Sqrt,Sub,Tanh,Transpose',
  ].flatMap((names) => names.split(',')),
);

interface Source {
  readonly proto: ModelProto;
  readonly graph: GraphProto;
}

/**
 * The model in an operator set that has what quantization writes; itself where it is new enough.
 * @throws CipherconvError `unsupported` where an operator may have changed in between
 */
export function raised({ proto, graph }: Source, file: string): Source {
  const own = proto.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  const version = own?.version ?? 0n;
  if (own === undefined || version >= NEEDED) return { proto, graph };
  const other = graph.node.find(({ domain, opType, attribute }) => isOther(domain, opType, attribute.length));
  if (version < OLDEST || other !== undefined) {
    throw new CipherconvError({
      code: 'unsupported',
      where: file,
      message: `not supported yet: ${other?.opType ?? 'models'} of operator set ${version}`,
      expected: `operator set ${NEEDED} or newer`,
      found: String(version),
      hint: `export it again, or convert it: onnx.version_converter.convert_version(model, ${NEEDED})`,
    });
  }
  const opsetImport = proto.opsetImport.map((each) => (each === own ? { ...own, version: NEEDED } : each));
  const irVersion = proto.irVersion < 7n ? 7n : proto.irVersion;
  return { proto: { ...proto, opsetImport, irVersion }, graph };
}

/** Clip had its limits as attributes once. */
function isOther(domain: string, op: string, attributes: number): boolean {
  return domain !== '' || !SAME.has(op) || (op === 'Clip' && attributes > 0);
}
