import { styleText } from 'node:util';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import { STANDARD_STREAM } from '../../frontend/files.ts';
import type { ModelFlags } from '../../frontend/onnx/modelOptions.ts';
import { lintExitCode } from '../../lint/finding.ts';
import type { LintReport } from '../../lint/finding.ts';
import { lint } from '../../lint/lint.ts';
import type { LintOptions } from '../../lint/lint.ts';
import type { Paint } from '../../lint/reporters/pretty.ts';
import { parseRuleLevel } from '../../lint/settings.ts';
import type { RuleLevel } from '../../lint/settings.ts';
import { late } from '../interrupt.ts';
import { watchFiles } from '../watch.ts';
import type { Terminal } from '../terminal.ts';

interface LintFlags {
  readonly format: LintFormat;
  readonly maxWarnings?: number | undefined;
  readonly calibration?: string | undefined;
  readonly config?: string | undefined;
  readonly accumulatorBits?: number | undefined;
  readonly ignore?: readonly string[] | undefined;
  readonly rule?: readonly string[] | undefined;
  readonly headroom?: number | undefined;
  readonly channels?: true | undefined;
  readonly verbose?: true | undefined;
  readonly json?: true | undefined;
  readonly watch?: true | undefined;
  readonly bind?: readonly string[] | undefined;
  readonly inputType?: readonly string[] | undefined;
  readonly extent?: readonly string[] | undefined;
}

type LintFormat = 'pretty' | 'json' | 'sarif' | 'github' | 'html';

export async function lintCommand(paths: readonly string[], flags: LintFlags, io: Terminal): Promise<void> {
  const model = await modelOptions({
    bind: flags.bind ?? [],
    inputType: flags.inputType ?? [],
    extent: flags.extent ?? [],
  });
  const rules: Record<string, RuleLevel> = Object.fromEntries((flags.rule ?? []).map(parseRuleLevel));
  const options: LintOptions = {
    rules,
    notice: io.notice,
    ...model,
    ...(flags.accumulatorBits === undefined ? {} : { accumulatorBits: flags.accumulatorBits }),
    ...(flags.ignore === undefined ? {} : { ignore: flags.ignore }),
    ...(flags.headroom === undefined ? {} : { headroomBits: flags.headroom }),
    ...(flags.config === undefined ? {} : { config: flags.config }),
    ...(flags.calibration === undefined ? {} : { calibration: flags.calibration }),
  };
  const lintOnce = async (): Promise<LintReport> => {
    const report = await lint(paths, options);
    io.print(await render(report, flags, paths));
    return report;
  };
  if (flags.watch === true) {
    requireWatchable(paths, formatOf(flags));
    await watchFiles({ paths, ignore: flags.ignore ?? [] }, lintOnce, io);
    return;
  }
  io.finish({ kind: 'linted', exitCode: lintExitCode(await lintOnce(), flags.maxWarnings ?? Infinity) });
}

function formatOf({ format, json }: LintFlags): LintFormat {
  return json === true ? 'json' : format;
}

/** @throws CipherconvError `usage` */
function requireWatchable(paths: readonly string[], format: LintFormat): void {
  const refuse = (message: string, hint: string): never => {
    throw new CipherconvError({ code: 'usage', message, hint });
  };
  if (format === 'sarif' || format === 'github' || format === 'html')
    refuse(`--watch goes on and on, and ${format} is one report`, 'use --format pretty or json');
  if (paths.includes(STANDARD_STREAM)) refuse('stdin cannot be watched', 'name files or folders');
}

/** What the flags say of models; loaded only when they are given. */
async function modelOptions(
  flags: ModelFlags,
): Promise<Pick<LintOptions, 'bind' | 'inputQuantization' | 'extents'>> {
  if (flags.bind.length + flags.inputType.length + flags.extent.length === 0) return {};
  const { parseModelOptions } = await late(import('../../frontend/onnx/modelOptions.ts'));
  return parseModelOptions(flags);
}

async function render(report: LintReport, flags: LintFlags, paths: readonly string[]): Promise<string> {
  switch (formatOf(flags)) {
    case 'pretty':
      return (await import('../../lint/reporters/pretty.ts')).prettyReport(report, paint, {
        channels: flags.channels === true,
        infos: flags.verbose === true ? 'each' : 'folded',
      });
    case 'json':
      return (await import('../../lint/reporters/json.ts')).jsonReport(report);
    case 'sarif':
      return (await import('../../lint/reporters/sarif.ts')).sarifReport(report);
    case 'github':
      return (await import('../../lint/reporters/github.ts')).githubReport(report);
    case 'html':
      return await htmlReport(report, paths);
  }
}

/** The findings in the form of `report`. */
async function htmlReport(lint: LintReport, paths: readonly string[]): Promise<string> {
  const [{ reportOf }, { reportDocument }] = await Promise.all([
    import('../../report/data/reportOf.ts'),
    import('../../report/html/document.ts'),
  ]);
  const title = paths.length === 0 ? 'the current folder' : paths.join(', ');
  return reportDocument(reportOf({ kind: 'findings', title, lint }));
}

const COLOURS = { error: 'red', warning: 'yellow', info: 'cyan', file: 'underline', dim: 'dim' } as const;

const paint: Paint = (level, text) => styleText(COLOURS[level], text, { stream: process.stdout });
