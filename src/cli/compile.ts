import type { Command } from '@commander-js/extra-typings';
import { blindOption } from './blindOption.ts';
import { addCompileOptions } from './compileOptions.ts';
import { examples } from './help.ts';
import { addAllowClear, addModelFlags } from './modelFlags.ts';
import { late } from './interrupt.ts';
import type { Terminal } from './terminal.ts';

/** `compile CONFIG|MODEL`: config or model to plan. */
export function addCompile(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('compile')
    .description('compile a filter config or a model to a verified plan')
    .argument(
      '<config>',
      'a filter config (*.conv.json), a model (*.onnx, *.tflite), or - for a config on stdin',
    )
    .option('-o, --output <file>', 'where the plan goes (default: stdout)')
    .option('--client-plan <file>', 'also write the part of the plan that clients need')
    .option('--hint <file>', 'also write the hint of a plan that has one, for encrypt --hint')
    .addOption(blindOption())
    .option('--json', 'print a summary as JSON instead of the plan');
  addCompileOptions(command);
  addModelFlags(command);
  addAllowClear(command);
  examples(command, [
    ['compile edges.conv.json -o edges.plan.json', 'a plan, in a file'],
    ['compile edges.conv.json -o server.json --client-plan client.json', 'for a server and its clients'],
    [
      'compile edges.conv.json --protocol hint -o server.json --client-plan client.json --hint hint.bin',
      'the same with a hint, for clients that ask often',
    ],
    ['compile network.onnx -o network.plan.json --json', 'a whole model, and what it costs'],
  ]);
  command.action(async (path, flags, self) => {
    const { compile } = await late(import('./actions/compile.ts'));
    await compile(path, flags, self, terminal());
  });
}
