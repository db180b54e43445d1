import type { Command } from '@commander-js/extra-typings';
import { addCompileOptions } from './compileOptions.ts';
import { examples } from './help.ts';
import { addModelFlags } from './modelFlags.ts';
import { late } from './interrupt.ts';
import type { Terminal } from './terminal.ts';

/** `explain PLAN|CONFIG|MODEL`: what was chosen, why, what was refused. */
export function addExplain(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('explain')
    .description('say what a plan chose, why, and what was refused')
    .argument(
      '<plan>',
      'a plan, a filter config or a model (*.onnx, *.tflite), or - for a plan or config on stdin',
    )
    .option('--json', 'print it as JSON')
    .option('--picture <file.svg>', 'write a picture of the packing (not of models)')
    .option('--passes', 'say what each pass of the compiler made (not of models)');
  addCompileOptions(command);
  addModelFlags(command);
  examples(command, [
    ['explain edges.plan.json', 'a plan as it was compiled'],
    ['explain edges.conv.json --lowering diagonals', 'what another choice would give'],
    ['explain edges.conv.json --passes', 'what each pass of the compiler made'],
    ['explain edges.conv.json --picture packing.svg', 'where every pixel sits, as a picture'],
    ['explain network.onnx --json', 'every layer of a model, for programs'],
  ]);
  command.action(async (path, flags, self) => {
    const { explain } = await late(import('./actions/explain.ts'));
    await explain(path, flags, self, terminal());
  });
}
