import { CipherconvError } from '../../compiler/base/errors.ts';
import type { LinearStage, NetworkSpec } from '../../compiler/network/spec.ts';
import { intAttribute, intsAttribute } from '../frontend/onnx/graph/attributes.ts';
import type { GraphNode, OnnxSource } from '../frontend/onnx/types.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import { identityTensor } from './affine.ts';
import type { AffineTensor } from './affine.ts';
import { Constants } from './constants.ts';
import { plusConstant, plusTensor, signed, timesConstant } from './elementwise.ts';
import { InputReader } from './inputNodes.ts';
import { entriesOf, ImportWork } from './importWork.ts';
import type { NetworkPort } from './port.ts';
import { averagePool, convolution, dense, requireBatchFirst } from './linearNodes.ts';
import { over, rationalOf, times, toFraction } from './rational.ts';
import { dequantized, requireInference, reshaped, transposed } from './wholeNodes.ts';
import {
  refuseNode,
  refuseOperator,
  requireFloatOutput,
  requireFloats,
  requireScale,
  TWO_WAYS,
} from './refusal.ts';

/** A network as it was read: what is compiled, and how its input and output look outside. */
export interface ImportedNetwork {
  readonly spec: NetworkSpec;
  readonly port: NetworkPort;
  /** Name of the output tensor. */
  readonly output: string;
}

/** Operators whose result must be floats; those that only change the shape keep whatever type they read. */
const ARITHMETIC = [
  'Conv',
  'Gemm',
  'MatMul',
  'AveragePool',
  'GlobalAveragePool',
  'DequantizeLinear',
  'Add',
  'Sub',
  'Mul',
  'Pow',
  'Div',
  'Cast',
  'Dropout',
];

/** Every square takes 30 bits of q at least, and no ring has 438; scales double their digits with each. */
const MOST_SQUARES = 12;

/** Goes through the nodes in order and keeps every tensor as affine forms. */
class NetworkImporter {
  readonly #model: ImportedModel;
  readonly #nodes: readonly GraphNode[];
  readonly #constants: Constants;
  readonly #input: InputReader;
  readonly #work: ImportWork;
  readonly #tensors = new Map<string, AffineTensor>();
  readonly #stages: LinearStage[] = [];
  /** Linear layers since the last square. */
  #names: string[] = [];

  constructor(model: ImportedModel, source: OnnxSource) {
    this.#model = model;
    this.#nodes = source.nodes;
    this.#constants = new Constants(model, source);
    this.#work = new ImportWork(model.file);
    this.#input = new InputReader(model, this.#constants, this.#work);
  }

  import(): ImportedNetwork {
    for (const [name, tensor] of this.#input.begin()) this.#tensors.set(name, tensor);
    for (const node of this.#nodes) {
      const opened = this.#input.visit(node);
      if (opened !== null) for (const [name, tensor] of opened) this.#tensors.set(name, tensor);
      else this.#visit(node);
    }
    const [output, ...others] = this.#model.outputs;
    const last = output === undefined ? undefined : this.#tensors.get(output.name);
    if (output === undefined || last === undefined || others.length > 0)
      throw new CipherconvError({
        code: 'unsupported',
        where: this.#model.file,
        message: 'not supported yet: a network with several outputs, or one that its input does not reach',
        hint: 'one output, computed from the input',
      });
    if (last.depth !== this.#stages.length) this.#refuseBranch(output.name);
    requireFloatOutput(this.#model.file, output);
    requireScale(this.#model.file, output.name, last.scale);
    const spec: NetworkSpec = {
      name: this.#model.name,
      input: this.#input.network(),
      stages: [...this.#stages, this.#stage(last)],
      output: { shape: last.shape, scale: toFraction(last.scale) },
    };
    return { spec, port: this.#input.port(), output: output.name };
  }

  #refuseBranch(name: string): never {
    throw new CipherconvError({
      code: 'unsupported',
      where: `${this.#model.file}: ${name}`,
      message: 'not supported yet: a branch around a square',
      hint: 'networks in one round are chains of linear layers and squares',
    });
  }

  #stage({ rows }: AffineTensor): LinearStage {
    const starts = [0];
    for (const { columns } of rows) starts.push((starts.at(-1) ?? 0) + columns.length);
    const before = this.#stages.at(-1);
    return {
      name: this.#names.join(' + ') || 'output',
      inputs: before?.outputs ?? this.#input.count(),
      outputs: rows.length,
      starts,
      columns: rows.flatMap(({ columns }) => columns),
      weights: rows.flatMap(({ weights }) => weights),
      bias: rows.map(({ bias }) => bias),
    };
  }

  #visit(node: GraphNode): void {
    const reached = [...new Set(node.inputs)].flatMap((name) => this.#tensors.get(name) ?? []);
    if (reached.length === 0) return;
    // What a node does to single elements; linear layers count what they add themselves.
    for (const tensor of reached) this.#work.take(node, entriesOf(tensor));
    const made = this.#make(node);
    const [name] = node.outputs;
    if (name !== undefined) this.#tensors.set(name, made);
  }

  #make(node: GraphNode): AffineTensor {
    if (node.domain !== '') refuseOperator(this.#model.file, node);
    if (ARITHMETIC.includes(node.op)) requireFloats(this.#model, node);
    switch (node.op) {
      case 'Conv':
        return this.#named(node, this.#convolution(node));
      case 'Gemm':
        return this.#named(node, this.#gemm(node));
      case 'MatMul':
        return this.#named(node, dense(this.#work, node, this.#first(node), this.#constant(node, 1), false));
      case 'AveragePool':
        return this.#named(
          node,
          averagePool(this.#work, node, this.#first(node), intsAttribute(node, 'kernel_shape') ?? []),
        );
      case 'GlobalAveragePool':
        return this.#named(
          node,
          averagePool(this.#work, node, this.#first(node), this.#first(node).shape.slice(1)),
        );
      case 'DequantizeLinear':
        return dequantized(this.#constants, node, this.#first(node));
      case 'Flatten':
      case 'Reshape':
      case 'Squeeze':
      case 'Unsqueeze':
      case 'Identity':
      case 'Cast':
        return reshaped(this.#model, node, this.#first(node));
      case 'Dropout':
        requireInference(this.#model, this.#constants, node);
        return reshaped(this.#model, node, this.#first(node));
      case 'Transpose':
        return transposed(this.#model.file, node, this.#first(node));
      case 'Add':
      case 'Sub':
        return this.#sum(node);
      case 'Mul':
      case 'Pow':
      case 'Div':
        return this.#product(node);
      default:
        return refuseOperator(this.#model.file, node);
    }
  }

  #named(node: GraphNode, tensor: AffineTensor): AffineTensor {
    this.#names.push(node.name);
    return tensor;
  }

  /** The tensor that a node reads; squares behind it are over. */
  #tensor(node: GraphNode, index: number): AffineTensor {
    const name = node.inputs[index] ?? '';
    const tensor = this.#tensors.get(name);
    if (tensor === undefined)
      refuseNode(
        this.#model.file,
        node,
        'not supported yet: a constant where the encrypted value is expected',
        'put the encrypted value first',
      );
    if (tensor.depth !== this.#stages.length) this.#refuseBranch(name);
    return tensor;
  }

  #first(node: GraphNode): AffineTensor {
    return this.#tensor(node, 0);
  }

  #constant(node: GraphNode, index: number): ReturnType<Constants['integers']> {
    const name = node.inputs[index] ?? '';
    // Reading it takes longer than to say that it is too large.
    this.#work.take(node, this.#constants.count(name));
    return this.#constants.integers(node, name);
  }

  #optional(node: GraphNode, index: number): ReturnType<Constants['integers']> | null {
    return (node.inputs[index] ?? '') === '' ? null : this.#constant(node, index);
  }

  #convolution(node: GraphNode): AffineTensor {
    return convolution(this.#work, node, this.#first(node), this.#constant(node, 1), this.#optional(node, 2));
  }

  #gemm(node: GraphNode): AffineTensor {
    const { file } = this.#model;
    requireBatchFirst(file, node);
    const isTransposed = intAttribute(node, 'transB', 0) === 1;
    const product = dense(this.#work, node, this.#first(node), this.#constant(node, 1), isTransposed);
    const bias = this.#optional(node, 2);
    return bias === null ? product : plusConstant(file, node, product, bias, 1);
  }

  #sum(node: GraphNode): AffineTensor {
    const { file } = this.#model;
    const sign = node.op === 'Sub' ? -1 : 1;
    const [left = '', right = ''] = node.inputs;
    if (this.#constants.has(right))
      return plusConstant(file, node, this.#first(node), this.#constant(node, 1), sign);
    if (this.#constants.has(left))
      return plusConstant(file, node, signed(this.#tensor(node, 1), sign), this.#constant(node, 0), 1);
    return plusTensor(file, node, this.#first(node), this.#tensor(node, 1), sign);
  }

  #product(node: GraphNode): AffineTensor {
    const { file } = this.#model;
    const [left = '', right = ''] = node.inputs;
    const isSquare =
      node.op === 'Pow' ? this.#constants.numbers(right).join() === '2' : node.op === 'Mul' && left === right;
    if (isSquare) return this.#square(node, this.#first(node));
    if (node.op === 'Pow') refuseNode(file, node, 'not supported yet: a power other than 2', TWO_WAYS);
    if (node.op === 'Div') {
      const divisor = this.#constants.factor(node, right);
      const tensor = this.#first(node);
      return { ...tensor, scale: over(tensor.scale, rationalOf(divisor)) };
    }
    if (this.#constants.has(right))
      return timesConstant(file, node, this.#first(node), this.#constant(node, 1));
    if (this.#constants.has(left))
      return timesConstant(file, node, this.#tensor(node, 1), this.#constant(node, 0));
    return refuseNode(file, node, 'not supported yet: a product of two different tensors', TWO_WAYS);
  }

  /** Ends a stage: what follows counts from the squares. */
  #square(node: GraphNode, tensor: AffineTensor): AffineTensor {
    if (this.#stages.length === MOST_SQUARES)
      refuseNode(
        this.#model.file,
        node,
        `the network has more than ${MOST_SQUARES} squares, one behind the other: no q carries them`,
        'fewer layers with squares; or --mode hybrid',
      );
    this.#stages.push(this.#stage(tensor));
    this.#names = [];
    return identityTensor(tensor.shape, times(tensor.scale, tensor.scale), this.#stages.length);
  }
}

/**
 * The linear maps and squares of a model, exactly: scales become one fraction of the logits.
 * @throws CipherconvError `unsupported` for what is no chain of linear layers and squares over quantized weights
 */
export function importNetwork(model: ImportedModel): ImportedNetwork {
  const { source, file } = model;
  if (source.format === 'onnx') return new NetworkImporter(model, source).import();
  throw new CipherconvError({
    code: 'unsupported',
    where: file,
    message: 'not supported yet: TFLite models as networks of one round',
    hint: TWO_WAYS,
  });
}
