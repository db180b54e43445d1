import type { GraphProto } from '../frontend/onnx/proto/onnx_pb.ts';

/**
 * Attributes that the standard gives its operators, over all versions (ONNX, docs/Operators.md and Changelog.md), for those
 * that exporters write notes of their own on: Quantlab has weight_bits on Conv, mult_bits on Mul, out_bits on Clip.
 * onnxruntime refuses what it does not know.
 */
const WINDOW = 'auto_pad dilations group kernel_shape pads strides';
const PLAIN = 'consumed_inputs';

const ATTRIBUTES: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    'Add Sub Mul Div Pow': `${PLAIN} axis broadcast`,
    'Relu Sigmoid Tanh Floor Ceil Round Abs Neg Sqrt Exp Log Identity Sum Max Min': PLAIN,
    'MatMul MatMulInteger QLinearMatMul GlobalAveragePool GlobalMaxPool Shape Where DynamicQuantizeLinear': `${PLAIN} start end`,
    'Conv ConvInteger QLinearConv': WINDOW,
    ConvTranspose: `${WINDOW} output_padding output_shape`,
    'MaxPool AveragePool': `${WINDOW} ceil_mode storage_order count_include_pad`,
    Clip: `${PLAIN} min max`,
    Gemm: 'alpha beta transA transB broadcast',
    BatchNormalization: `${PLAIN} epsilon momentum spatial is_test training_mode`,
    'Flatten Concat Softmax LogSoftmax': 'axis',
    'Squeeze Unsqueeze': 'axes',
    Reshape: `${PLAIN} allowzero shape`,
    Transpose: 'perm',
    Cast: 'to saturate round_mode',
    Pad: 'mode pads paddings value',
    'LeakyRelu Elu': `${PLAIN} alpha`,
    'QuantizeLinear DequantizeLinear': 'axis saturate block_size output_dtype precision',
  }).flatMap(([ops, names]) => ops.split(' ').map((op) => [op, new Set(names.split(' '))] as const)),
);

/** Takes off standard nodes what the standard does not know: it changes nothing that they compute. */
export function dropForeignAttributes({ node }: GraphProto): void {
  for (const one of node) {
    const known = one.domain === '' || one.domain === 'ai.onnx' ? ATTRIBUTES.get(one.opType) : undefined;
    if (known !== undefined) one.attribute = one.attribute.filter(({ name }) => known.has(name));
  }
}
