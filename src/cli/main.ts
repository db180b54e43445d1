import { Command, CommanderError } from '@commander-js/extra-typings';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { printable } from '../../compiler/base/printable.ts';
import { VERSION_LINE } from '../version.ts';
import { protectInputs } from '../frontend/files.ts';
import { addBench } from './bench.ts';
import { addCompile } from './compile.ts';
import { addCompletion } from './completion.ts';
import { addDecrypt } from './decrypt.ts';
import { addEncrypt } from './encrypt.ts';
import { addEvaluate } from './evaluate.ts';
import { exitCode } from './exitCode.ts';
import type { Outcome } from './exitCode.ts';
import { addExplain } from './explain.ts';
import { addFit } from './fit.ts';
import { addFarm } from './farm.ts';
import { markRequired, requireLast } from './help.ts';
import { interruptsTold } from './interrupt.ts';
import { addInfer } from './infer.ts';
import { addInit } from './init.ts';
import { addKeygen } from './keygen.ts';
import { addLint } from './lint.ts';
import { addQuantize } from './quantize.ts';
import { addReport } from './report.ts';
import { addRun } from './run.ts';
import { addSchema } from './schema.ts';
import { addServe } from './serve.ts';
import { endWithStreams } from './streams.ts';
import { createTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export { endAtInterrupt } from './interrupt.ts';

/** Adds one command to the program; `terminal` is asked for when the command runs, after the options are known. */
type AddCommand = (program: Command, terminal: () => Terminal) => void;

const COMMANDS: readonly AddCommand[] = [
  addLint,
  addCompile,
  addExplain,
  addReport,
  addRun,
  addKeygen,
  addEncrypt,
  addEvaluate,
  addDecrypt,
  addServe,
  addInfer,
  addInit,
  addFit,
  addQuantize,
  addSchema,
  addFarm,
  addBench,
  addCompletion,
];

/**
 * Runs the command line and sets the exit code of the process. Never calls process.exit on a normal end: what is still
 * on its way to a pipe must arrive.
 * @param args without node and script
 */
export async function main(args: readonly string[]): Promise<void> {
  endWithStreams();
  protectInputs();
  // What came while all this was loaded.
  await interruptsTold();
  let outcome: Outcome = { kind: 'good' };
  const { program, terminal } = createProgram((ended) => {
    outcome = ended;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    terminal().endProgress();
    outcome = report(error, args.includes('--debug'));
  }
  process.exitCode = exitCode(outcome);
}

function createProgram(finish: (outcome: Outcome) => void): { program: Command; terminal: () => Terminal } {
  const program = new Command('cipherconv');
  program
    .description(
      'Compiles quantized convolutions for homomorphic encryption (BFV), proves them right, runs them encrypted.',
    )
    .version(VERSION_LINE, '-V, --version', 'print the versions of cipherconv and of SEAL')
    .option('-q, --quiet', 'no progress and no notices on stderr')
    .option('--debug', 'print stack traces of errors')
    .configureOutput({
      outputError: (message, write) => {
        write(usageError(message));
      },
    })
    .exitOverride();
  markRequired(program);
  let made: Terminal | null = null;
  const terminal = (): Terminal => {
    made ??= createTerminal(program.getOptionValue('quiet') === true, finish);
    return made;
  };
  for (const add of COMMANDS) add(program, terminal);
  requireLast(program);
  return { program, terminal };
}

/** Says on stderr what went wrong, and how the process ends. */
function report(error: unknown, debug: boolean): Outcome {
  if (error instanceof CommanderError) {
    // commander has already printed help, version or its message.
    return { kind: 'usage', asked: error.exitCode === 0 };
  }
  if (error instanceof CipherconvError) {
    process.stderr.write(`error: ${debug ? stackOf(error) : error.message}\n`);
    return { kind: 'refused', code: error.code };
  }
  const message = debug
    ? stackOf(error)
    : printable(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  process.stderr.write(
    `error: internal: ${message}\n  try:      --debug for a stack trace, and please report this\n`,
  );
  return { kind: 'unexpected' };
}

/** commander's own messages quote what was typed. Its suggestion stands on a line of its own. */
function usageError(message: string): string {
  const [, text = '', suggestion = ''] = /^(.*?)(\n\(Did you mean [^\n]*\?\))?\n?$/s.exec(message) ?? [];
  return `${printable(text)}${suggestion}\n`;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error));
  // A message of several lines is our own, which is safe already; the frames are those of the engine.
  const message = error instanceof CipherconvError ? error.message : printable(error.message);
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const own = [`${error.name}: ${message}`, ...frames.map(printable)].join('\n');
  return error.cause === undefined ? own : `${own}\ncaused by ${stackOf(error.cause)}`;
}
