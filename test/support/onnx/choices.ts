import { fc } from '../properties.ts';
import type { QuantizedType } from '../../../bench/models/modelWriter.ts';
import type { ConvForm, DenseForm } from './linearNodes.ts';
import type { Scales } from './randomWeights.ts';

/** One step of a graph; steps that a shape does not allow are left out. */
export type Step =
  | { readonly kind: 'conv'; readonly form: ConvForm; readonly seed: number }
  | { readonly kind: 'dense'; readonly form: DenseForm; readonly seed: number }
  | {
      readonly kind: 'activation' | 'requantize' | 'max pool' | 'average pool' | 'flatten';
      readonly seed: number;
    }
  | { readonly kind: 'residual'; readonly form: ConvForm; readonly seed: number }
  | { readonly kind: 'concat'; readonly forms: readonly [ConvForm, ConvForm]; readonly seed: number };

/** The free choices of a random graph; everything else follows from them and the seeds. */
export interface GraphChoices {
  readonly seed: number;
  readonly opset: number;
  readonly scales: Scales;
  /** Whether all readers of a tensor share one DequantizeLinear, or each has its own. */
  readonly sharesFloats: boolean;
  /** [batch, channels, ...extents] */
  readonly inputShape: readonly number[];
  readonly inputType: QuantizedType;
  /** Whether the graph's own input is 8 bits wide, or floats that it quantizes first. */
  readonly inputForm: QuantizedType | 'float32';
  readonly steps: readonly Step[];
  readonly ending: 'quantized' | 'dequantized' | 'accumulator' | 'floats';
}

const seed = fc.integer({ min: 0, max: 2 ** 31 });
/** `plain`: forms that onnxruntime computes exactly where scales are powers of two. */
type Kinds = 'all' | 'plain';

const OTHER_FORMS = ['dynamic', 'other width', 'QONNX'] as const;

function convForm(kinds: Kinds): fc.Arbitrary<ConvForm> {
  const plain = ['QLinearConv', 'ConvInteger', 'Conv', 'Conv', 'ConvTranspose'] as const;
  return fc.constantFrom<ConvForm>(...plain, ...(kinds === 'all' ? OTHER_FORMS : []));
}

function denseForm(kinds: Kinds): fc.Arbitrary<DenseForm> {
  const plain = ['QLinearMatMul', 'MatMulInteger', 'MatMul', 'Gemm'] as const;
  return fc.constantFrom<DenseForm>(...plain, ...(kinds === 'all' ? OTHER_FORMS : []));
}

const upTo = (largest: number): fc.Arbitrary<number> => fc.integer({ min: 1, max: largest });

function step(kinds: Kinds): fc.Arbitrary<Step> {
  const [conv, dense] = [convForm(kinds), denseForm(kinds)];
  const average = kinds === 'all' ? (['average pool'] as const) : [];
  return fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('conv' as const), form: conv, seed }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('dense' as const), form: dense, seed }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('activation' as const, 'requantize' as const, 'max pool' as const, ...average),
        seed,
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('residual' as const), form: conv, seed }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('concat' as const), forms: fc.tuple(conv, conv), seed }),
    },
  );
}

/** The choices of a graph of one to five steps; every third has plain forms only, and powers of two for scales. */
export function arbitraryChoices(): fc.Arbitrary<GraphChoices> {
  return fc.oneof(
    {
      weight: 2,
      arbitrary: choicesOf('all', fc.constantFrom<Scales>('any', 'powers of two')),
    },
    { weight: 1, arbitrary: choicesOf('plain', fc.constant('powers of two')) },
  );
}

function choicesOf(kinds: Kinds, scales: fc.Arbitrary<Scales>): fc.Arbitrary<GraphChoices> {
  return fc
    .record({
      seed,
      opset: fc.integer({ min: 13, max: 21 }),
      scales,
      sharesFloats: fc.boolean(),
      batch: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: upTo(3) }),
      channels: upTo(4),
      extents: fc.oneof(
        { weight: 4, arbitrary: fc.tuple(upTo(10), upTo(10)) },
        { weight: 1, arbitrary: fc.tuple(upTo(20)) },
      ),
      inputType: fc.constantFrom<QuantizedType>('uint8', 'int8'),
      quantizesInput: fc.boolean(),
      steps: fc.array(step(kinds), { minLength: 1, maxLength: 5 }),
      ending: fc.constantFrom<GraphChoices['ending']>('quantized', 'dequantized', 'accumulator', 'floats'),
    })
    .map(({ batch, channels, extents, quantizesInput, ...choices }) => ({
      ...choices,
      // Quantized types of other widths came with opset 21.
      opset: choices.steps.some(hasOtherWidth) ? 21 : choices.opset,
      inputShape: [batch, channels, ...extents],
      inputForm: quantizesInput ? 'float32' : choices.inputType,
    }));
}

function hasOtherWidth(step: Step): boolean {
  if ('forms' in step) return step.forms.includes('other width');
  return 'form' in step && step.form === 'other width';
}
