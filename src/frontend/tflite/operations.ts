import type {
  FixedPointOperation,
  FusedActivation,
  OperatorName,
  Padding,
  Pair,
} from '../../interpreter/fixedPoint/node.ts';
import { malformed, unsupported } from '../onnx/refusal.ts';
import type { Table } from './flatbuffer.ts';
import type { TfliteOperator } from './readTflite.ts';
import { ACTIVATIONS, PADDINGS } from './schema.ts';

/**
 * Options of operators, by the fields of their tables in the schema. An operator without a table has the schema's defaults,
 * which is what the reference takes then; one with the table of another operator contradicts itself.
 */

/** Position in the union BuiltinOptions, and how the table is read. */
interface Reader {
  /** 0 for operators whose options say nothing. */
  readonly table: number;
  readonly read: (options: Options) => FixedPointOperation;
}

/** Fields of a table, or their defaults where there is no table. */
class Options {
  readonly #table: Table | null;

  constructor(table: Table | null) {
    this.#table = table;
  }

  get isMissing(): boolean {
    return this.#table === null;
  }

  int(field: number, missing = 0): number {
    return this.#table?.number(field, 'int32', missing) ?? missing;
  }

  float(field: number): number {
    return this.#table?.number(field, 'float32') ?? 0;
  }

  flag(field: number): boolean {
    return this.#table?.flag(field) ?? false;
  }

  /** An enum of one byte. */
  code(field: number): number {
    return this.#table?.number(field, 'int8') ?? 0;
  }

  padding(field: number): Padding {
    const padding = PADDINGS[this.code(field)];
    if (padding !== undefined) return padding;
    throw malformed({
      message: 'its padding is none',
      expected: PADDINGS.join(', '),
      found: String(this.code(field)),
    });
  }

  activation(field: number): FusedActivation {
    const code = this.code(field);
    const activation = ACTIVATIONS[code];
    if (
      activation === 'NONE' ||
      activation === 'RELU' ||
      activation === 'RELU_N1_TO_1' ||
      activation === 'RELU6'
    )
      return activation;
    throw unsupported({
      message: `not supported yet: the fused activation ${activation ?? code}`,
      expected: 'NONE, RELU, RELU_N1_TO_1 or RELU6',
    });
  }

  /** Two positive numbers, the width first as the schema has it. */
  pair(widthField: number, heightField: number, missing?: number): Pair {
    const [height, width] = [this.int(heightField, missing), this.int(widthField, missing)];
    if (height >= 1 && width >= 1) return [height, width];
    throw malformed({
      message: 'a stride, dilation or window is not positive',
      expected: 'at least 1',
      found: `${height} x ${width}`,
    });
  }

  /** quantized_bias_type: TensorType INT32 or not. */
  biasType(field: number): 'int32' | null {
    return this.code(field) === 2 ? 'int32' : null;
  }
}

const window = (options: Options): { padding: Padding; strides: Pair } => ({
  padding: options.padding(0),
  strides: options.pair(1, 2),
});

const pool = (op: 'AVERAGE_POOL_2D' | 'MAX_POOL_2D'): Reader => ({
  table: 5,
  read: (options) => ({
    op,
    ...window(options),
    window: options.pair(3, 4),
    activation: options.activation(5),
  }),
});

const fused = (op: 'ADD' | 'SUB' | 'MUL', table: number): Reader => ({
  table,
  read: (options) => ({ op, activation: options.activation(0) }),
});

type Plain = 'LOGISTIC' | 'PAD' | 'PADV2' | 'RESHAPE' | 'SQUEEZE' | 'TRANSPOSE' | 'QUANTIZE' | 'DEQUANTIZE';
type PlainActivation = 'RELU' | 'RELU6' | 'RELU_N1_TO_1' | 'RELU_0_TO_1';

/** Nothing that their options say matters. */
const plain = (op: Plain | PlainActivation, table = 0): Reader => ({ table, read: () => ({ op }) });

/** Every operator that is read; one line each. */
const READERS: Readonly<Record<Exclude<OperatorName, 'REQUANTIZE'>, Reader>> = {
  CONV_2D: {
    table: 1,
    read: (options) => ({
      op: 'CONV_2D',
      ...window(options),
      activation: options.activation(3),
      dilations: options.pair(4, 5, 1),
      biasType: options.biasType(6),
    }),
  },
  DEPTHWISE_CONV_2D: {
    table: 2,
    read: (options) => ({
      op: 'DEPTHWISE_CONV_2D',
      ...window(options),
      activation: options.activation(4),
      dilations: options.pair(5, 6, 1),
    }),
  },
  FULLY_CONNECTED: {
    table: 8,
    read: (options) => {
      if (options.code(1) !== 0)
        throw unsupported({
          message: 'not supported yet: shuffled weights (weights_format SHUFFLED4x16INT8)',
        });
      return { op: 'FULLY_CONNECTED', activation: options.activation(0), biasType: options.biasType(4) };
    },
  },
  TRANSPOSE_CONV: {
    table: 49,
    read: (options) => ({ op: 'TRANSPOSE_CONV', ...window(options), activation: options.activation(3) }),
  },
  ADD: fused('ADD', 11),
  SUB: fused('SUB', 28),
  MUL: fused('MUL', 21),
  AVERAGE_POOL_2D: pool('AVERAGE_POOL_2D'),
  MAX_POOL_2D: pool('MAX_POOL_2D'),
  MEAN: { table: 27, read: (options) => ({ op: 'MEAN', keepDims: options.flag(0) }) },
  SOFTMAX: { table: 9, read: (options) => ({ op: 'SOFTMAX', beta: options.float(0) }) },
  LOGISTIC: plain('LOGISTIC'),
  PAD: plain('PAD', 22),
  PADV2: plain('PADV2', 43),
  RESHAPE: plain('RESHAPE', 17),
  SQUEEZE: plain('SQUEEZE', 30),
  TRANSPOSE: plain('TRANSPOSE', 26),
  CONCATENATION: {
    table: 10,
    read: (options) => ({ op: 'CONCATENATION', axis: options.int(0), activation: options.activation(1) }),
  },
  STRIDED_SLICE: {
    table: 32,
    read: (options) => {
      if (options.flag(5))
        throw unsupported({ message: 'not supported yet: an end that counts from the beginning (offset)' });
      return {
        op: 'STRIDED_SLICE',
        beginMask: options.int(0),
        endMask: options.int(1),
        ellipsisMask: options.int(2),
        newAxisMask: options.int(3),
        shrinkAxisMask: options.int(4),
      };
    },
  },
  QUANTIZE: plain('QUANTIZE', 89),
  DEQUANTIZE: plain('DEQUANTIZE', 38),
  RELU: plain('RELU'),
  RELU6: plain('RELU6'),
  RELU_N1_TO_1: plain('RELU_N1_TO_1'),
  RELU_0_TO_1: plain('RELU_0_TO_1'),
  LEAKY_RELU: { table: 75, read: (options) => ({ op: 'LEAKY_RELU', alpha: options.float(0) }) },
};

function isKnown(op: string): op is keyof typeof READERS {
  return Object.hasOwn(READERS, op);
}

/**
 * The operation of an operator.
 * @throws CipherconvError `unsupported` naming an operator that is not known, `malformed-model` for options that are none
 */
export function operationOf({ op, optionsType, options }: TfliteOperator): FixedPointOperation {
  if (!isKnown(op))
    throw unsupported({
      message: `not supported yet: the operator ${op}`,
      expected: 'an operator of the table in docs/tflite.md',
      found: op,
    });
  const { table, read } = READERS[op];
  const isOther = options !== null && optionsType !== 0 && table !== 0 && optionsType !== table;
  if (isOther)
    throw malformed({
      message: 'it has the options of another operator',
      expected: `number ${table} of BuiltinOptions`,
      found: `number ${optionsType}`,
    });
  // A table without its type says nothing.
  return read(new Options(optionsType === table ? options : null));
}
