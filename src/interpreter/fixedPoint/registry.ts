import { REQUANTIZE } from './accumulators.ts';
import { LEAKY_RELU, RELU, RELU6, RELU_0_TO_1, RELU_N1_TO_1 } from './activations.ts';
import { DEQUANTIZE, QUANTIZE } from './conversions.ts';
import { CONV_2D, DEPTHWISE_CONV_2D } from './convolution.ts';
import { FULLY_CONNECTED } from './fullyConnected.ts';
import { LOGISTIC } from './logistic.ts';
import { MEAN } from './mean.ts';
import { CONCATENATION, PAD, PADV2, RESHAPE, SQUEEZE, TRANSPOSE } from './movement.ts';
import type { OperatorName } from './node.ts';
import type { Operator } from './operator.ts';
import { AVERAGE_POOL_2D, MAX_POOL_2D } from './pools.ts';
import { SOFTMAX } from './softmax.ts';
import { STRIDED_SLICE } from './stridedSlice.ts';
import { ADD, MUL, SUB } from './sums.ts';
import { TRANSPOSE_CONV } from './transposeConv.ts';

/**
 * All operators of TensorFlow Lite that have arithmetic here.
 *
 * To add one: its options in node.ts, and its rule (operator.ts), in the file of its family, listed here.
 */
export const OPERATORS: Readonly<Record<OperatorName, Operator>> = {
  ADD,
  AVERAGE_POOL_2D,
  CONCATENATION,
  CONV_2D,
  DEPTHWISE_CONV_2D,
  DEQUANTIZE,
  FULLY_CONNECTED,
  LEAKY_RELU,
  LOGISTIC,
  MAX_POOL_2D,
  MEAN,
  MUL,
  PAD,
  PADV2,
  QUANTIZE,
  RELU,
  RELU6,
  RELU_0_TO_1,
  RELU_N1_TO_1,
  REQUANTIZE,
  RESHAPE,
  SOFTMAX,
  SQUEEZE,
  STRIDED_SLICE,
  SUB,
  TRANSPOSE,
  TRANSPOSE_CONV,
};
