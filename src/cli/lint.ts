import { styleText } from 'node:util';
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import type { Command } from '@commander-js/extra-typings';
import type { ModelFlags } from '../frontend/onnx/modelOptions.ts';
import type { LintReport } from '../lint/finding.ts';
import type { Paint } from '../lint/reporters/pretty.ts';
import type { RuleLevel } from '../lint/settings.ts';
import type { LintOptions } from '../lint/lint.ts';
import type { Terminal } from './terminal.ts';

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Not a whole number.');
  return Number(text);
}

function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}

const FORMATS = ['pretty', 'json', 'sarif', 'github'] as const;

/** `lint [FILES, FOLDERS, GLOBS]`: overflow analysis without cryptography. */
export function addLint(program: Command, terminal: () => Terminal): void {
  program
    .command('lint')
    .description('find accumulators that can overflow')
    .argument('[paths...]', 'filter configs, ONNX models, folders or globs (default: the current folder)')
    .addOption(
      new Option('--format <kind>', 'how findings are printed').choices(FORMATS).default('pretty' as const),
    )
    .option('--max-warnings <N>', 'fail when there are more warnings', parseCount)
    .option('--calibration <path>', 'sample inputs: .npy, .json, .png, or a folder of them')
    .option('--config <file>', 'settings (default: the nearest cipherconv.config.json above each file)')
    .option('--rule <name=level>', 'level of a rule: error, warning, info or off; repeatable', collect)
    .option('--headroom <bits>', 'bits to spare that low-headroom asks for', parseCount)
    .option('--channels', 'a table row for every output channel')
    .option('--bind <name=file.pb>', 'values of a model input, which makes it constant; repeatable', collect)
    .option('--input-type <name=type>', 'what integers a float model input stands for; repeatable', collect)
    .option('--extent <name=N>', 'size of a symbolic extent of a model input; repeatable', collect)
    .action(async (paths, flags) => {
      const io = terminal();
      // Loaded here, so that the other commands do not pay for it.
      const [{ lint }, { lintExitCode }, { parseRuleLevel }] = await Promise.all([
        import('../lint/lint.ts'),
        import('../lint/finding.ts'),
        import('../lint/settings.ts'),
      ]);
      const model = await modelOptions({
        bind: flags.bind ?? [],
        inputType: flags.inputType ?? [],
        extent: flags.extent ?? [],
      });
      const rules: Record<string, RuleLevel> = Object.fromEntries((flags.rule ?? []).map(parseRuleLevel));
      const report = await lint(paths, {
        rules,
        notice: io.notice,
        ...model,
        ...(flags.headroom === undefined ? {} : { headroomBits: flags.headroom }),
        ...(flags.config === undefined ? {} : { config: flags.config }),
        ...(flags.calibration === undefined ? {} : { calibration: flags.calibration }),
      });
      io.print(await render(report, flags.format, flags.channels === true));
      io.finish({ kind: 'linted', exitCode: lintExitCode(report, flags.maxWarnings ?? Infinity) });
    });
}

/** What the flags say of models; loaded only when they are given. */
async function modelOptions(
  flags: ModelFlags,
): Promise<Pick<LintOptions, 'bind' | 'inputQuantization' | 'extents'>> {
  if (flags.bind.length + flags.inputType.length + flags.extent.length === 0) return {};
  const { parseModelOptions } = await import('../frontend/onnx/modelOptions.ts');
  return parseModelOptions(flags);
}

async function render(
  report: LintReport,
  format: (typeof FORMATS)[number],
  channels: boolean,
): Promise<string> {
  switch (format) {
    case 'pretty':
      return (await import('../lint/reporters/pretty.ts')).prettyReport(report, paint, { channels });
    case 'json':
      return (await import('../lint/reporters/json.ts')).jsonReport(report);
    case 'sarif':
      return (await import('../lint/reporters/sarif.ts')).sarifReport(report);
    case 'github':
      return (await import('../lint/reporters/github.ts')).githubReport(report);
  }
}

const COLOURS = { error: 'red', warning: 'yellow', info: 'cyan', file: 'underline', dim: 'dim' } as const;

const paint: Paint = (level, text) => styleText(COLOURS[level], text, { stream: process.stdout });
