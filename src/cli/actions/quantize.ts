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
import { quantizeModel } from '../../quantize/quantizeModel.ts';
import type { QuantizeReport } from '../../quantize/quantizeModel.ts';
import type { Terminal } from '../terminal.ts';

interface QuantizeFlags {
  readonly calibration: string;
  readonly output: string;
  readonly bits: number;
  readonly accumulatorBits?: number | undefined;
  readonly range: 'min-max' | 'percentile';
  readonly percent: number;
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
  const bytes = await readModel(path);
  const calibration = decodeNpyNumbers(await readBytes(flags.calibration), displayName(flags.calibration));
  const { model, report } = await quantizeModel(bytes, calibration, {
    file: displayName(path),
    bits: flags.bits,
    ranges: flags.range === 'min-max' ? { kind: 'min-max' } : { kind: 'percentile', percent: flags.percent },
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

function reportText({ layers, left, accuracy }: QuantizeReport, output: string | null): string {
  const { samples, sameTop1, largestDifference, largestValue } = accuracy;
  return [
    ...layers.map(
      ({ name, op, weightBits, inputBits, accumulatorBits }) =>
        `${printable(name)} (${op}): weights of ${weightBits} bits, inputs of ${inputBits}` +
        (accumulatorBits === null ? '' : `, sums of ${accumulatorBits} signed bits`),
    ),
    ...left.map(({ name, op, reason }) => `${printable(name)} (${op}) stays in floats: ${printable(reason)}`),
    `on the samples: the same largest output for ${sameTop1} of ${samples}; ` +
      `outputs differ by at most ${largestDifference.toPrecision(3)}, the largest is ${largestValue.toPrecision(3)}`,
    ...(output === null ? [] : [`wrote ${printable(output)}`]),
    '',
  ].join('\n');
}
