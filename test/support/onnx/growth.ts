import { ModelWriter } from '../../../src/frontend/onnx/proto/modelWriter.ts';
import type { Activation, GraphTensor } from '../../../src/frontend/onnx/proto/modelWriter.ts';
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
} from './linearNodes.ts';
import type { Context, ConvForm, DenseForm } from './linearNodes.ts';
import { activation, add, averagePool, concat, flatten, maxPool, requantization } from './otherNodes.ts';
import { chance } from './randomWeights.ts';
import type { Scales } from './randomWeights.ts';

/** Dense layers with more inputs are left out: sums stay exact in floats, and tests quick. */
const MOST_FEATURES = 400;

/** Grows a graph step by step. */
export class Growth {
  readonly graph = new ModelWriter();
  readonly operators: (ConvForm | DenseForm)[] = [];
  readonly #scales: Scales;

  constructor(scales: Scales) {
    this.#scales = scales;
  }

  context(seed: number): Context {
    return { graph: this.graph, random: randomIntegers(seed), scales: this.#scales };
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
    const linear = randomConvolution(context, input);
    this.operators.push(form);
    if (form === 'QLinearConv') return qlinear(context, form, linear);
    return form === 'Conv' ? qdq(context, form, linear) : requantizedInteger(context, form, linear);
  }

  /** A convolution that keeps the image's extents. */
  keepingConv(context: Context, form: ConvForm, input: Activation, channels?: number): Activation {
    const geometry = keepingGeometry(context.random, input.shape.slice(2));
    const outputs = channels ?? context.random(1, 3);
    const linear = convolution(context, input, geometry, { outputs, group: 1 });
    this.operators.push(form);
    if (form === 'QLinearConv') return qlinear(context, form, linear);
    return form === 'Conv' ? qdq(context, form, linear) : requantizedInteger(context, form, linear);
  }

  dense(context: Context, form: DenseForm, input: Activation): Activation {
    // Gemm takes matrices only; the others work on the last axis of anything.
    const flat = form === 'Gemm' || chance(context.random, 2) ? this.flat(context, input) : input;
    if ((flat.shape.at(-1) ?? 0) > MOST_FEATURES) return input;
    const transposed = form === 'Gemm' && chance(context.random, 2);
    const outputs = context.random(1, 6);
    const linear = dense(context, flat, outputs, transposed ? 'rows are outputs' : 'rows are inputs');
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
    if (ending === 'dequantized') return { name: this.graph.dequantize(input), type: 'float32', shape };
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

function randomConvolution(context: Context, input: Activation): ReturnType<typeof convolution> {
  const { random } = context;
  const channels = input.shape[1] ?? 1;
  const groups = [1, 1, channels, ...(channels % 2 === 0 ? [2] : [])];
  const group = groups[random(0, groups.length - 1)] ?? 1;
  const geometry = randomGeometry(random, input.shape.slice(2), 'convolution');
  return convolution(context, input, geometry, { outputs: group * random(1, 3), group });
}
