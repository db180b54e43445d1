import { ModelWriter } from '../../../bench/models/modelWriter.ts';
import type { Activation, GraphTensor } from '../../../bench/models/modelWriter.ts';
import { randomIntegers } from '../specs.ts';
import type { GraphChoices, Step } from './choices.ts';
import { keepingGeometry, randomGeometry } from './geometry.ts';
import {
  convolution,
  dense,
  dequantizedLinear,
  integer,
  qdq,
  qlinear,
  requantizedInteger,
  transposedConvolution,
} from './linearNodes.ts';
import type { Context, ConvForm, DenseForm, Linear, LinearOperator, OtherForm } from './linearNodes.ts';
import { dynamic, isOther, otherWidth, qonnx } from './otherForms.ts';
import { activation, add, averagePool, concat, flatten, maxPool, requantization } from './otherNodes.ts';
import { chance } from './randomWeights.ts';

/** Dense layers with more inputs are left out: sums stay exact in floats, and tests quick. */
const MOST_FEATURES = 400;

/** Grows a graph step by step. */
export class Growth {
  readonly graph = new ModelWriter();
  readonly operators: LinearOperator[] = [];
  /** Forms that the operators alone do not tell. */
  readonly forms = new Set<OtherForm>();
  readonly #choices: Pick<GraphChoices, 'scales' | 'sharesFloats'>;
  readonly #floats = new Map<string, string>();

  constructor(choices: Pick<GraphChoices, 'scales' | 'sharesFloats'>) {
    this.#choices = choices;
  }

  context(seed: number): Context {
    return {
      graph: this.graph,
      random: randomIntegers(seed),
      scales: this.#choices.scales,
      dequantize: (activation) => this.dequantize(activation),
    };
  }

  dequantize(activation: Activation): string {
    const { graph } = this;
    if (!this.#choices.sharesFloats) return graph.dequantize(activation);
    const known = this.#floats.get(activation.name) ?? graph.dequantize(activation);
    this.#floats.set(activation.name, known);
    return known;
  }

  /** The activation behind a step, or `input` itself where the step does not fit. */
  step(step: Step, input: Activation): Activation {
    const context = this.context(step.seed);
    const isImage = input.shape.length > 2;
    switch (step.kind) {
      case 'conv':
        return isImage ? this.conv(context, step.form, input) : input;
      case 'dense':
        return this.dense(context, step.form, input);
      case 'activation':
        return activation(context, input);
      case 'requantize':
        return requantization(context, input);
      case 'max pool':
        return isImage ? maxPool(context, input) : input;
      case 'average pool':
        return isImage ? averagePool(context, input) : input;
      case 'flatten':
        return isImage ? flatten(context, input) : input;
      case 'residual':
        return isImage
          ? add(context, input, this.keepingConv(context, step.form, input, input.shape[1]))
          : input;
      case 'concat': {
        if (!isImage) return input;
        const [left, right] = step.forms;
        return concat(context, [
          this.keepingConv(context, left, input),
          this.keepingConv(context, right, input),
        ]);
      }
    }
  }

  conv(context: Context, form: ConvForm, input: Activation): Activation {
    if (form === 'ConvTranspose') {
      this.operators.push(form);
      return qdq(context, form, transposedConvolution(context, input, context.random(1, 3)));
    }
    return this.convolved(context, form, randomConvolution(context, input));
  }

  convolved(context: Context, form: Exclude<ConvForm, 'ConvTranspose'>, linear: Linear): Activation {
    if (isOther(form)) return this.other(context, form, 'Conv', linear);
    this.operators.push(form);
    if (form === 'QLinearConv') return qlinear(context, form, linear);
    return form === 'Conv' ? qdq(context, form, linear) : requantizedInteger(context, form, linear);
  }

  other(context: Context, form: OtherForm, op: 'Conv' | 'MatMul', linear: Linear): Activation {
    this.forms.add(form);
    const isDynamic = form === 'dynamic';
    this.operators.push(isDynamic ? (op === 'Conv' ? 'ConvInteger' : 'MatMulInteger') : op);
    return isDynamic
      ? dynamic(context, op, linear)
      : form === 'QONNX'
        ? qonnx(context, op, linear)
        : otherWidth(context, op, linear);
  }

  /** A convolution that keeps the image's extents. */
  keepingConv(context: Context, form: ConvForm, input: Activation, channels?: number): Activation {
    const geometry = keepingGeometry(context.random, input.shape.slice(2));
    const outputs = channels ?? context.random(1, 3);
    const linear = convolution(context, input, geometry, { outputs, group: 1 });
    // Transposed ones do not keep the extents.
    return this.convolved(context, form === 'ConvTranspose' ? 'Conv' : form, linear);
  }

  dense(context: Context, form: DenseForm, input: Activation): Activation {
    // Gemm takes matrices only; the others work on the last axis of anything.
    const flat = form === 'Gemm' || chance(context.random, 2) ? this.flat(context, input) : input;
    if ((flat.shape.at(-1) ?? 0) > MOST_FEATURES) return input;
    const transposed = form === 'Gemm' && chance(context.random, 2);
    const outputs = context.random(1, 6);
    const linear = dense(context, flat, outputs, transposed ? 'rows are outputs' : 'rows are inputs');
    if (isOther(form)) return this.other(context, form, 'MatMul', linear);
    this.operators.push(form);
    if (form === 'QLinearMatMul') return qlinear(context, form, linear);
    return form === 'MatMulInteger' ? requantizedInteger(context, form, linear) : qdq(context, form, linear);
  }

  flat(context: Context, input: Activation): Activation {
    return input.shape.length > 2 ? flatten(context, input) : input;
  }

  /** The graph's output: the activation, its floats, or one more layer's accumulator or floats. */
  end(ending: GraphChoices['ending'], context: Context, input: Activation): GraphTensor {
    const { name, type, shape } = input;
    if (ending === 'quantized') return { name, type, shape };
    if (ending === 'dequantized') return { name: this.dequantize(input), type: 'float32', shape };
    if (ending === 'floats') return this.floats(context, input);
    if (shape.length > 2) {
      this.operators.push('ConvInteger');
      return integer(context, 'ConvInteger', randomConvolution(context, input));
    }
    this.operators.push('MatMulInteger');
    return integer(context, 'MatMulInteger', dense(context, input, context.random(1, 6), 'rows are inputs'));
  }

  /** A layer behind DequantizeLinear that nothing quantizes again. */
  floats(context: Context, input: Activation): GraphTensor {
    const isImage = input.shape.length > 2;
    const op = isImage ? 'Conv' : 'Gemm';
    const linear = isImage
      ? randomConvolution(context, input)
      : dense(context, input, context.random(1, 6), 'rows are outputs');
    this.operators.push(op);
    return { name: dequantizedLinear(context, op, linear), type: 'float32', shape: linear.outputShape };
  }
}

function randomConvolution(context: Context, input: Activation): Linear {
  const { random } = context;
  const channels = input.shape[1] ?? 1;
  const groups = [1, 1, channels, ...(channels % 2 === 0 ? [2] : [])];
  const group = groups[random(0, groups.length - 1)] ?? 1;
  const geometry = randomGeometry(random, input.shape.slice(2), 'convolution');
  return convolution(context, input, geometry, { outputs: group * random(1, 3), group });
}
