import { Option } from '@commander-js/extra-typings';
import type { Command } from '@commander-js/extra-typings';
import { examples } from './help.ts';
import { late } from './interrupt.ts';
import type { Terminal } from './terminal.ts';
import { collect, wholeNumber } from './values.ts';

const FORMATS = ['pretty', 'json', 'sarif', 'github', 'html'] as const;

/** `lint [FILES, FOLDERS, GLOBS]`: overflow analysis without cryptography. */
export function addLint(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('lint')
    .description('find accumulators that can overflow')
    .argument(
      '[paths...]',
      'filter configs, models (ONNX, TFLite), folders or globs (default: the current folder)',
    )
    .addOption(
      new Option('--format <kind>', 'how findings are printed').choices(FORMATS).default('pretty' as const),
    )
    .option('--max-warnings <N>', 'fail when there are more warnings', wholeNumber(0, 1e9))
    .option('--calibration <path>', 'sample inputs: .npy, .json, .pb, .png, .jpg, or a folder of them')
    .option('--config <file>', 'settings (default: the nearest cipherconv.config.json above each file)')
    .option(
      '--ignore <pattern>',
      'what to leave out, as in .gitignore, relative to the current folder; repeatable',
      collect,
    )
    .option('--rule <name=level>', 'level of a rule: error, warning, info or off; repeatable', collect)
    .option('--headroom <bits>', 'bits to spare that low-headroom asks for', wholeNumber(0, 64))
    .option(
      '--accumulator-bits <n>',
      'bits of the accumulator, in place of what the file declares or implies',
      wholeNumber(1, 64),
    )
    .option('--json', 'the same as --format json')
    .option('--channels', 'a table row for every output channel')
    .option('--verbose', "a line for every finding of a model's layers, those that only inform too")
    .option('--watch', 'lint again whenever a file changes, until it is interrupted')
    .option('--bind <name=file.pb>', 'values of a model input, which makes it constant; repeatable', collect)
    .option('--input-type <name=type>', 'what integers a float model input stands for; repeatable', collect)
    .option('--extent <name=N>', 'size of a symbolic extent of a model input; repeatable', collect);
  examples(command, [
    ['lint', 'everything below the current folder'],
    ["lint 'models/**/*.onnx' --max-warnings 0 --format github", 'as a step of a workflow'],
    ['lint models --format html > findings.html', 'a page to read and to share'],
    ['lint --watch filters/', 'while you edit'],
    ['lint edges.conv.json --calibration samples/ --channels', 'with sample inputs, channel by channel'],
  ]);
  command.action(async (paths, flags) => {
    const { lintCommand } = await late(import('./actions/lint.ts'));
    await lintCommand(paths, flags, terminal());
  });
}
