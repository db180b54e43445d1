import { Option } from '@commander-js/extra-typings';
import type { Command } from '@commander-js/extra-typings';
import { examples } from './help.ts';
import { late } from './interrupt.ts';
import type { Terminal } from './terminal.ts';
import { percentage, wholeNumber } from './values.ts';

/** `quantize MODEL`: a float ONNX model to one in integers. */
export function addQuantize(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('quantize')
    .description('turn the linear layers of a float ONNX model into integers (static QDQ)')
    .argument('<model>', 'a float model, *.onnx')
    .requiredOption('--calibration <file>', 'samples of its input, .npy [n, ...]: they decide the ranges')
    .requiredOption('-o, --output <file>', 'where the quantized model goes, or - for stdout')
    .option('--bits <n>', 'bits of weights and inputs (default: 8)', wholeNumber(2, 8))
    .option('--weight-bits <n>', 'bits of weights alone', wholeNumber(2, 8))
    .option('--input-bits <n>', 'bits of inputs alone', wholeNumber(2, 8))
    .option(
      '--accumulator-bits <n>',
      'signed bits that the sums of every layer have to fit: layers that do not get fewer bits',
      wholeNumber(4, 64),
    )
    .addOption(
      new Option('--range <rule>', 'where ranges end: at the extremes (default), or at percentiles').choices([
        'min-max',
        'percentile',
      ] as const),
    )
    .option('--percent <p>', 'of the values that a percentile range holds (default: 99.9)', percentage)
    .option('--json', 'print the report as JSON');
  examples(command, [
    ['quantize float.onnx --calibration samples.npy -o quantized.onnx', '8 bits'],
    [
      'quantize float.onnx --calibration samples.npy --bits 6 --accumulator-bits 16 -o narrow.onnx --json',
      'as many bits as 16-bit sums allow, at most 6',
    ],
  ]);
  command.action(async (model, flags) => {
    const { quantizeCommand } = await late(import('./actions/quantize.ts'));
    await quantizeCommand(model, flags, terminal());
  });
}
