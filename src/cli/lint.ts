import { styleText } from 'node:util';
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import type { Command } from '@commander-js/extra-typings';
import { lintExitCode } from '../lint/finding.ts';
import { lint } from '../lint/lint.ts';
import { pretty } from '../lint/pretty.ts';
import type { Paint } from '../lint/pretty.ts';
import type { Terminal } from './terminal.ts';
import { refuseUnbuilt } from './unbuilt.ts';

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Not a number of warnings.');
  return Number(text);
}

/** `lint [FILES, FOLDERS, GLOBS]`: overflow analysis without cryptography. */
export function addLint(program: Command, terminal: () => Terminal): void {
  program
    .command('lint')
    .description('find accumulators that can overflow')
    .argument('[paths...]', 'filter configs, folders or globs (default: the current folder)')
    .addOption(
      new Option('--format <kind>', 'how findings are printed')
        .choices(['pretty', 'json', 'sarif', 'github'] as const)
        .default('pretty' as const),
    )
    .option('--max-warnings <N>', 'fail when there are more warnings', parseCount)
    .option('--calibration <file>', 'sample inputs to measure the headroom with')
    .option('--config <file>', 'settings of the linter')
    .action(async (paths, flags) => {
      const io = terminal();
      if (flags.format === 'sarif' || flags.format === 'github') {
        refuseUnbuilt(`--format ${flags.format}`, '--format json');
      }
      if (flags.calibration !== undefined) refuseUnbuilt('--calibration');
      if (flags.config !== undefined) refuseUnbuilt('--config');
      const report = await lint(paths);
      io.print(flags.format === 'json' ? `${JSON.stringify(report)}\n` : pretty(report, paint));
      io.finish({ kind: 'linted', exitCode: lintExitCode(report, flags.maxWarnings ?? Infinity) });
    });
}

const COLOURS = { error: 'red', warning: 'yellow', info: 'cyan', file: 'underline' } as const;

const paint: Paint = (level, text) => styleText(COLOURS[level], text, { stream: process.stdout });
