import { dirname } from 'node:path';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import { printable } from '../../../compiler/base/printable.ts';
import {
  displayName,
  readBytes,
  requireDistinct,
  requireWritable,
  STANDARD_STREAM,
  writeWhole,
} from '../../frontend/files.ts';
import { decodeNpyNumbers } from '../../frontend/npy.ts';
import { readModel } from '../../frontend/onnx/importOnnx.ts';
import { costliest } from '../../lint/costliest.ts';
import type { RangeRule } from '../../quantize/calibrate.ts';
import { quantizeModel } from '../../quantize/quantizeModel.ts';
import type { QuantizeReport } from '../../quantize/quantizeModel.ts';
import type { Terminal } from '../terminal.ts';

interface QuantizeFlags {
  readonly calibration: string;
  readonly output: string;
  readonly bits?: number | undefined;
  readonly weightBits?: number | undefined;
  readonly inputBits?: number | undefined;
  readonly accumulatorBits?: number | undefined;
  readonly range?: 'min-max' | 'percentile' | undefined;
  readonly percent?: number | undefined;
  readonly json?: true | undefined;
}

export async function quantizeCommand(path: string, flags: QuantizeFlags, io: Terminal): Promise<void> {
  await requireDistinct(
    [
      { what: 'the model', path },
      { what: '--calibration', path: flags.calibration },
    ],
    [{ what: '--output', path: flags.output }],
  );
  await requireWritable(flags.output);
  const { bits = 8 } = flags;
  const bytes = await readModel(path);
  const calibration = decodeNpyNumbers(await readBytes(flags.calibration), displayName(flags.calibration));
  const { model, report } = await quantizeModel(bytes, calibration, {
    file: displayName(path),
    folder: path === STANDARD_STREAM ? null : dirname(path),
    bits: { weights: flags.weightBits ?? bits, input: flags.inputBits ?? bits },
    ranges: rangeRule(flags),
    accumulatorBits: flags.accumulatorBits ?? null,
    onProgress: io.progress,
  });
  io.endProgress();
  await writeWhole(flags.output, model);
  const output = flags.output === STANDARD_STREAM ? null : flags.output;
  const text =
    flags.json === true ? `${JSON.stringify({ ...report, output }, null, 2)}\n` : reportText(report, output);
  if (output === null) io.remark(text);
  else io.print(text);
}

/** @throws CipherconvError `usage` */
function rangeRule({ range, percent }: QuantizeFlags): RangeRule {
  if (range === 'min-max' && percent !== undefined) {
    throw new CipherconvError({
      code: 'usage',
      message: '--percent is for ranges that end at percentiles',
      hint: 'leave out --range min-max',
    });
  }
  const isMinMax = range !== 'percentile' && percent === undefined;
  return isMinMax ? { kind: 'min-max' } : { kind: 'percentile', percent: percent ?? 99.9 };
}

function reportText({ layers, left, accuracy }: QuantizeReport, output: string | null): string {
  const { samples, sameTop1, largestDifference, largestValue, rmsDifference, rmsValue } = accuracy;
  const costly = costliest(layers.map((layer) => ({ ...layer, bits: layer.accumulatorBits })));
  return [
    ...layers.map(
      ({ name, op, weightBits, inputBits, accumulatorBits }) =>
        `${printable(name)} (${op}): weights of ${weightBits} bits, inputs of ${inputBits}, ` +
        `sums of ${accumulatorBits} signed bits`,
    ),
    ...left.map(({ name, op, reason }) => `${printable(name)} (${op}) stays in floats: ${printable(reason)}`),
    ...(costly === null ? [] : [costly]),
    `on the samples: the same largest output for ${sameTop1} of ${samples}; ` +
      `outputs differ by at most ${largestDifference.toPrecision(3)}, the largest is ${largestValue.toPrecision(3)}`,
    `on average (root mean square): ${rmsDifference.toPrecision(3)} of ${rmsValue.toPrecision(3)}` +
      (rmsValue > 0 ? `, ${((100 * rmsDifference) / rmsValue).toPrecision(2)}%` : ''),
    ...(output === null ? [] : [`wrote ${printable(output)}`]),
    '',
  ].join('\n');
}
