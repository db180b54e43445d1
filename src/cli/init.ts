import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import type { Command } from '@commander-js/extra-typings';
import { KERNELS } from '../init/kernelNames.ts';
import { examples } from './help.ts';
import { late } from './interrupt.ts';
import type { Terminal } from './terminal.ts';
import { collect, positiveNumber, wholeNumber } from './values.ts';

/** `init`: a first filter config. */
export function addInit(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('init')
    .description('write a first filter config, which lints clean; asks where nothing is said')
    .addOption(new Option('--kernel <name>', 'a well-known filter').choices(KERNELS))
    .option('--size <n>', 'its size: 3 is 3 x 3', wholeNumber(1, 99))
    .option('--from <file>', 'weights: .npy [O, I, H, W] or [H, W], or a quantized model, ONNX or TFLite')
    .option('--layer <name>', 'which layer of the model')
    .option('--extent <name=N>', 'size of a symbolic extent of a model input; repeatable', collect)
    .option(
      '--scale <real>',
      'real weight per integer (default: the best for each output channel)',
      positiveNumber(1e9),
    )
    .option('--bits <n>', 'bits of a weight (default: as few as hold integers exactly)', wholeNumber(1, 16))
    .option('--input <height x width>', 'size of the pictures (default: 28x28)', pictureSize)
    .option('--input-bits <n>', 'bits of a pixel (default: 2)', wholeNumber(1, 16))
    .option('-o, --output <file>', 'where the config goes, *.conv.json, or - for stdout')
    .option('--force', 'replace a config that is there');
  examples(command, [
    ['init --kernel gaussian --size 3 --bits 2 -o gaussian.conv.json', 'a Gaussian in 2 bits'],
    ['init --from weights.npy --bits 4 -o layer.conv.json', 'floats, quantized for each output channel'],
    ['init --from model.onnx --layer Conv_5 -o layer.conv.json', 'one layer of a model'],
  ]);
  command.action(async (flags) => {
    const { initCommand } = await late(import('./actions/init.ts'));
    await initCommand(flags, terminal());
  });
}

function pictureSize(text: string): readonly [height: number, width: number] {
  const [, height = '', width = ''] = /^(\d{1,8})x(\d{1,8})$/.exec(text) ?? [];
  if (Number(height) > 0 && Number(width) > 0) return [Number(height), Number(width)];
  throw new InvalidArgumentError('Expected height and width, such as 28x28.');
}
