import type { Command } from '@commander-js/extra-typings';
import { examples } from './help.ts';
import { addModelFlags, modelFlags } from './modelFlags.ts';
import { late } from './interrupt.ts';
import type { Terminal } from './terminal.ts';
import { wholeNumber } from './values.ts';

/** `bench`: the layer table of docs/performance.md on this machine. */
export function addBench(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('bench')
    .description('time the benchmark layers, or those of a model: kernels, the floor, the cleartext')
    .option('--layers <list>', 'only these, separated by commas: L1,L8', splitAtCommas)
    .option(
      '--workers <n>',
      'also time large layers on 1 and n threads (default: all cores)',
      wholeNumber(1, 256),
    )
    .option(
      '--compare',
      'instead, toeplitz against diagonals: keys, bytes, rotations and times (default: L1,L2,L6)',
    )
    .option(
      '--model <file>',
      'instead, the layers of a model (*.onnx, *.tflite): cold without hints, online with them, bytes',
    )
    .option('--chart <file>', 'write the table as a chart, SVG')
    .option('--json', 'print the figures as JSON');
  examples(command, [
    ['bench --layers L1,L8', 'two layers, in seconds rather than minutes'],
    ['bench --model network.onnx', 'every layer of a model, and the total'],
    ['bench --json', 'all layers, for programs'],
  ]);
  addModelFlags(command);
  command.action(async (flags, self) => {
    const { bench } = await late(import('./actions/bench.ts'));
    await bench(flags, modelFlags(self), terminal());
  });
}

function splitAtCommas(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}
