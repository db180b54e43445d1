import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Failure } from '../../compiler/bfv/noise.ts';
import { positiveNumber, wholeNumber } from './values.ts';
import { DEGREES, isDegree, isSecurityBits } from '../../compiler/bfv/security.ts';
import type { Degree, SecurityBits } from '../../compiler/bfv/security.ts';
import type { CompileOptions } from '../../compiler/lowerings/compile.ts';

function parseDegree(text: string): Degree {
  const degree = Number(text);
  if (!isDegree(degree)) throw new InvalidArgumentError(`Allowed choices are ${DEGREES.join(', ')}.`);
  return degree;
}

function parseSecurity(text: string): SecurityBits {
  const bits = Number(text);
  if (!isSecurityBits(bits)) throw new InvalidArgumentError('Allowed choices are 128, 192, 256.');
  return bits;
}

/** What of a command is needed to read its options. */
export interface ParsedOptions {
  readonly getOptionValue: (name: string) => unknown;
  readonly getOptionValueSource: (name: string) => string | undefined;
}

/** Adds the option that holds every accumulator to a width; models have nowhere to declare one. */
function addAccumulatorBits(command: CommandUnknownOpts): void {
  command.option(
    '--accumulator-bits <n>',
    'bits of the accumulator, in place of what the file declares or implies',
    wholeNumber(1, 64),
  );
}

/** More of them change nothing that is decided by them. */
const MOST_INFERENCES = 1e9;

/** Adds the options that choose how a config is compiled; `compileOptions` reads them. */
export function addCompileOptions(command: CommandUnknownOpts): void {
  const choice = (flags: string, description: string, choices: readonly [string, ...string[]]): void => {
    command.addOption(new Option(flags, description).choices(choices).default(choices[0]));
  };
  choice('--lowering <kind>', 'how the product is computed', ['auto', 'toeplitz', 'diagonals']);
  choice('--kernel <kind>', 'what executes it', ['auto', 'ntt', 'direct']);
  choice('--objective <goal>', 'what to minimize', ['latency', 'bandwidth', 'total']);
  choice('--protocol <kind>', 'whether c1 is fixed for the plan, as a hint', ['auto', 'hint', 'standard']);
  command.option(
    '--inferences <n>',
    'how many a client is expected to ask for, for --protocol auto (default: 1; of a model: 2)',
    wholeNumber(1, MOST_INFERENCES),
  );
  choice('--engine <kind>', 'seal leaves everything under encryption to SEAL', ['auto', 'seal']);
  choice('--upload <form>', 'how the second half of an upload travels', ['auto', 'seeded', 'whole']);
  command.option(
    '--link <Mbit/s>',
    'speed of the line, for --upload auto (default: 100)',
    positiveNumber(1e9),
  );
  command.addOption(
    new Option(
      '--failure <probability>',
      'how often decryption may fail (default: never, and 2^-128 where ciphertexts are rotated)',
    ).choices(['never', '2^-128']),
  );
  addAccumulatorBits(command);
  command.option('--degree <N>', 'take this ring degree and no other', parseDegree);
  command.option('--security <bits>', 'bits of security: 128, 192 or 256 (default: 128)', parseSecurity);
}

/**
 * The options that `addCompileOptions` added, as the compiler takes them. commander has checked every choice.
 * @throws CipherconvError `unsupported` for what cannot be compiled yet.
 */
export function compileOptions(command: ParsedOptions): CompileOptions {
  const given = (name: string): unknown => command.getOptionValue(name);
  const kernel = given('kernel');
  const [degree, security] = [given('degree'), given('security')];
  const accumulatorBits = given('accumulatorBits');
  const failure = failureOf(given('failure'));
  const [upload, link] = [given('upload'), given('link')];
  const inferences = given('inferences');
  return {
    objective: chosen(given('objective'), ['bandwidth', 'total'], 'latency'),
    protocol: chosen(given('protocol'), ['hint', 'standard'], 'auto'),
    engine: chosen(given('engine'), ['seal'], 'auto'),
    ...(typeof inferences === 'number' ? { inferences } : {}),
    kernel: chosen(kernel, ['ntt', 'direct'], 'auto'),
    lowering: chosen(given('lowering'), ['toeplitz', 'diagonals'], 'auto'),
    upload: chosen(upload, ['seeded', 'whole'], 'auto'),
    ...(typeof link === 'number' ? { linkMegabitsPerSecond: link } : {}),
    ...(failure === undefined ? {} : { failure }),
    ...(typeof accumulatorBits === 'number' ? { accumulatorBits } : {}),
    ...(typeof degree === 'number' && isDegree(degree) ? { degree } : {}),
    ...(typeof security === 'number' && isSecurityBits(security) ? { security } : {}),
  };
}

/** The choice that was given, or the one that is made without. */
function chosen<T extends string, D extends string>(
  given: unknown,
  choices: readonly T[],
  otherwise: D,
): T | D {
  return choices.find((choice) => choice === given) ?? otherwise;
}

/** Not given, the compiler takes what fits the lowering. */
function failureOf(name: unknown): Failure | undefined {
  return name === 'never' || name === '2^-128' ? name : undefined;
}

const NAMES = [
  'lowering',
  'kernel',
  'objective',
  'protocol',
  'inferences',
  'engine',
  'upload',
  'link',
  'degree',
  'failure',
  'security',
  'accumulatorBits',
] as const;

/**
 * A plan is compiled already: refuses options that would have no effect on it.
 * @throws CipherconvError `usage`.
 */
export function refuseCompileOptions(command: ParsedOptions): void {
  const given = NAMES.find((name) => command.getOptionValueSource(name) === 'cli');
  if (given === undefined) return;
  throw new CipherconvError({
    code: 'usage',
    message: `--${given.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} has no effect on a plan, which is compiled already`,
    hint: 'give the filter config instead of the plan, or leave the option out',
  });
}
