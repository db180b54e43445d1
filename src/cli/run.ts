import { Option } from '@commander-js/extra-typings';
import type { Command } from '@commander-js/extra-typings';
import { addCompileOptions } from './compileOptions.ts';
import { examples } from './help.ts';
import { addAllowClear, addModelFlags } from './modelFlags.ts';
import { late } from './interrupt.ts';
import { addPictureFlags } from './pictureFlags.ts';
import type { Terminal } from './terminal.ts';
import { collect, wholeNumber } from './values.ts';

/** `run CONFIG|PLAN|MODEL --input X`: encrypt, evaluate, decrypt, compare. */
export function addRun(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('run')
    .description('run a convolution or a model encrypted and compare it with the cleartext one')
    .argument(
      '<config>',
      'a filter config, a model (*.onnx, *.tflite) or a plan of either, or - for a config or plan on stdin',
    )
    .requiredOption(
      '-i, --input <file>',
      'a tensor (.npy, .json, .pb), a stack of them along the first axis, a picture (.png, .jpg), a folder of these, or - for a JSON tensor on stdin; name=file, repeated, where a model has several inputs',
      collect,
    )
    .option(
      '-o, --output <file>',
      'write the result: .npy, .json, .pb, .png, or - for JSON on stdout; for a folder, a folder',
    )
    .option(
      '--weight-memory <MiB>',
      'what transformed weights may take; others are transformed at each use, as are all that one WebAssembly memory, of 4096 MiB with the inputs, does not hold (default: 1024)',
      wholeNumber(0, 2 ** 30),
    )
    .addOption(
      new Option(
        '--judge <what>',
        'what Microsoft SEAL checks of our own arithmetic: decryption and every word (full, the default for one convolution), decryption alone (decrypt, the default for models), or none',
      ).choices(['full', 'decrypt', 'none'] as const),
    )
    .option('--json', 'print the measurements as JSON');
  addCompileOptions(command);
  addModelFlags(command);
  addAllowClear(command);
  addPictureFlags(command);
  examples(command, [
    ['run edges.conv.json -i picture.png -o edges.png', 'a picture through a filter'],
    ['run edges.plan.json -i photo.jpg --grey --resize', 'a colour photo of any size'],
    ['run edges.plan.json -i x.npy --json', 'a plan, and the measurements for programs'],
    ['run network.onnx -i images=x.npy -i mask=m.pb -o y.npy', 'a model of two inputs'],
  ]);
  command.action(async (path, flags, self) => {
    const { runCommand } = await late(import('./actions/run.ts'));
    await runCommand(path, flags, self, terminal());
  });
}
