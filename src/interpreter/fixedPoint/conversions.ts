import { emptyArray, typeRange } from '../values.ts';
import { gridOf, inputOf, multiplierFor, requireTypes, sameShape } from './call.ts';
import type { Call } from './call.ts';
import { quantizedValue } from './activation.ts';
import { operator, valuesOf } from './operator.ts';
import type { Compute } from './operator.ts';
import { SCALES } from './requantize.ts';

/** QUANTIZE and DEQUANTIZE. */

/**
 * From float32: clamp(round(rn(v / so)) + zo), halves away from zero. Between integers: (q - zi) by double(si) / double(so).
 * NaN, which the reference leaves open, becomes the zero point.
 */
function quantize(call: Call): Compute {
  requireTypes(call, [
    ['float32', 'int8'],
    ['float32', 'int16'],
    ['float32', 'uint8'],
    ['int8', 'int8'],
    ['int8', 'int16'],
    ['int8', 'int32'],
    ['int8', 'uint8'],
    ['uint8', 'int8'],
    ['uint8', 'uint8'],
    ['int16', 'int8'],
    ['int16', 'int16'],
    ['int16', 'int32'],
    ['int32', 'int8'],
    ['int32', 'int16'],
  ]);
  const { output } = call;
  const to = gridOf(call, output, 'output');
  const input = inputOf(call, 0);
  const { lo, hi } = typeRange(output.type);
  const convert = input.type === 'float32' ? (value: number) => quantizedValue(value, to) : rescale(call);
  return (inputs) => {
    const values = valuesOf(inputs, 0).data;
    const data = emptyArray(output.type, values.length);
    for (let index = 0; index < data.length; index++) {
      const value = convert(values[index]!);
      data[index] = Number.isNaN(value) ? to.zeroPoint : value < lo ? lo : value > hi ? hi : value;
    }
    return data;
  };
}

function rescale(call: Call): (q: number) => number {
  const [from, to] = [gridOf(call, inputOf(call, 0), 'input'), gridOf(call, call.output, 'output')];
  const { multiplier, shift } = multiplierFor(call, from.scale / to.scale);
  const scale = SCALES[call.rounding];
  return (q) => scale((q - from.zeroPoint) | 0, multiplier, shift) + to.zeroPoint;
}

/** rn(double(s) (q - z)). */
function dequantize(call: Call): Compute {
  requireTypes(call, [
    ['int8', 'float32'],
    ['uint8', 'float32'],
    ['int16', 'float32'],
  ]);
  const { scale, zeroPoint } = gridOf(call, inputOf(call, 0), 'input');
  return (inputs) => Float32Array.from(valuesOf(inputs, 0).data, (q) => scale * (q - zeroPoint));
}

export const QUANTIZE = operator('QUANTIZE', { arity: [1, 1], shape: sameShape, prepare: quantize });
export const DEQUANTIZE = operator('DEQUANTIZE', { arity: [1, 1], shape: sameShape, prepare: dequantize });
