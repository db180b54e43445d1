import type { Command } from '@commander-js/extra-typings';
import { addCompileOptions } from './compileOptions.ts';
import { examples } from './help.ts';
import { late } from './interrupt.ts';
import { addModelFlags } from './modelFlags.ts';
import type { Terminal } from './terminal.ts';

/** `report CONFIG|PLAN|MODEL`: one HTML file with everything that was decided. */
export function addReport(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('report')
    .description('write one HTML file that shows what was decided and why')
    .argument('<source>', 'a filter config, a plan or a model (*.onnx, *.tflite), or - for a plan or config')
    .option('--calibration <path>', 'sample inputs: .npy, .json, .pb, .png, .jpg, or a folder of them')
    .option('-o, --output <file>', 'where the report goes (default: stdout)')
    .option('--json', 'the data of the report as JSON instead of HTML');
  addCompileOptions(command);
  addModelFlags(command);
  examples(command, [
    ['report edges.conv.json -o report.html', 'accumulators, noise, packing and cost of a filter'],
    [
      'report edges.conv.json --calibration samples.npy -o report.html',
      'with the sums that sample inputs give',
    ],
    ['report network.onnx -o report.html', 'every layer of a model'],
    [
      'report network.onnx --accumulator-bits 20 -o report.html',
      'which layers leave 20 bits, and what to do',
    ],
  ]);
  command.action(async (path, flags, self) => {
    const { report } = await late(import('./actions/report.ts'));
    await report(path, flags, self, terminal());
  });
}
