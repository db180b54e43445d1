import { readModelProto } from '../frontend/onnx/proto/readProto.ts';
import type { Ort } from '../model/ort.ts';
import { openWith, runSample } from './calibrate.ts';
import type { Samples } from './calibrate.ts';

/** How far a quantized model is off, on the calibration samples and in its first output. */
export interface Accuracy {
  readonly samples: number;
  /** Samples whose largest value stands at the same place. */
  readonly sameTop1: number;
  readonly largestDifference: number;
  /** Of the float model, by magnitude. */
  readonly largestValue: number;
  /** Root of the mean square of all differences, and of all values of the float model. */
  readonly rmsDifference: number;
  readonly rmsValue: number;
}

/** Runs the quantized model on the samples. @param floats first output of the float model, for each sample */
export async function accuracyOf(
  ort: Ort,
  model: Uint8Array,
  samples: Samples,
  floats: readonly Float64Array[],
  onSample: (index: number) => void,
): Promise<Accuracy> {
  const source = readModelProto(model, 'the quantized model');
  const session = await openWith(ort, source, []);
  let [sameTop1, largestDifference, largestValue, differences, values, count] = [0, 0, 0, 0, 0, 0];
  try {
    for (const [index, wanted] of floats.entries()) {
      onSample(index);
      const results = await runSample(session, samples, index);
      const got = results.get(source.graph.output[0]?.name ?? '') ?? new Float64Array();
      if (topOf(got) === topOf(wanted)) sameTop1++;
      count += wanted.length;
      wanted.forEach((value, at) => {
        const difference = Math.abs(value - (got[at] ?? NaN));
        largestValue = Math.max(largestValue, Math.abs(value));
        largestDifference = Math.max(largestDifference, difference);
        differences += difference ** 2;
        values += value ** 2;
      });
    }
  } finally {
    await session.release();
  }
  const rms = (squares: number): number => Math.sqrt(squares / Math.max(1, count));
  return {
    samples: floats.length,
    sameTop1,
    largestDifference,
    largestValue,
    rmsDifference: rms(differences),
    rmsValue: rms(values),
  };
}

function topOf(values: Float64Array): number {
  return values.reduce((best, value, index) => (value > (values[best] ?? -Infinity) ? index : best), 0);
}
