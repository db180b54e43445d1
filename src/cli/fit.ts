import { Option } from '@commander-js/extra-typings';
import type { Command } from '@commander-js/extra-typings';
import { examples } from './help.ts';
import { late } from './interrupt.ts';
import type { Terminal } from './terminal.ts';
import { wholeNumber } from './values.ts';

/** `fit ARCHITECTURE`: trains a network with squares to a proved width. */
export function addFit(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('fit')
    .description('train a network that runs encrypted in one round, to a proved width of its scores')
    .argument('<architecture>', 'the layers, *.fit.json (docs/fit.md), or - for stdin')
    .requiredOption(
      '--data <file>',
      'pictures: .npy or idx, [n, height, width] or [n, channels, height, width], also .gz',
    )
    .requiredOption('--labels <file>', 'the class of each picture, from 0: .npy or idx, also .gz')
    .requiredOption(
      '--accumulator-bits <n>',
      'bits that every score is held to, over all inputs; one plain modulus carries about 17, two about 34',
      wholeNumber(4, 52),
    )
    .requiredOption('-o, --output <file>', 'where the ONNX model goes, or - for stdout')
    .option('--validation-data <file>', 'pictures to check with, which are not trained on')
    .option('--validation-labels <file>', 'their classes')
    .option(
      '--held-out <percent>',
      'without them: how many of the pictures are held out',
      wholeNumber(1, 90),
      10,
    )
    .option('--epochs <n>', 'passes over the pictures', wholeNumber(1, 10_000), 40)
    .option(
      '--seed <n>',
      'the same seed, data and architecture give the same model',
      wholeNumber(0, 2 ** 32 - 1),
      1,
    )
    .addOption(
      new Option('--augment <kind>', 'train on pictures turned and shifted a little, or as they are')
        .choices(['affine', 'none'] as const)
        .default('affine' as const),
    )
    .addOption(
      new Option(
        '--squares <kind>',
        'hidden values are kept odd, which spares almost a bit a square, or plain (default: odd, unless pads forbid it)',
      ).choices(['odd', 'plain'] as const),
    )
    .option('--json', 'print the report as JSON');
  examples(command, [
    [
      'fit small.fit.json --data train-images.gz --labels train-labels.gz --accumulator-bits 17 -o small.onnx',
      'digits, a tenth of them held out',
    ],
    [
      'fit lola.fit.json --data x.npy --labels y.npy --validation-data vx.npy --validation-labels vy.npy ' +
        '--accumulator-bits 34 -o lola.onnx --json',
      'checked on pictures of their own',
    ],
  ]);
  command.action(async (architecture, flags) => {
    const { fitCommand } = await late(import('./actions/fit.ts'));
    await fitCommand(architecture, flags, terminal());
  });
}
