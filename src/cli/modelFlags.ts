import { Option } from '@commander-js/extra-typings';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { NamedFile } from '../frontend/files.ts';
import type { ModelFlags } from '../frontend/onnx/modelOptions.ts';

/** Adds the options that say more of a model than it says itself; `modelFlags` reads them. */
export function addModelFlags(command: CommandUnknownOpts): void {
  const collect = (text: string, before: unknown): string[] => [...listOf(before), text];
  const repeatable = (flags: string, description: string): void => {
    command.addOption(new Option(flags, `${description}; repeatable`).argParser(collect));
  };
  repeatable('--bind <name=file.pb>', 'values of a model input, which makes it constant');
  repeatable('--input-type <name=type>', 'what integers a float model input stands for');
  repeatable('--extent <name=N>', 'size of a symbolic extent of a model input');
  command.addOption(new Option('--encrypt-pools', 'average pools of models become encrypted layers too'));
  command.addOption(
    new Option(
      '--tflite-rounding <kind>',
      'how TFLite models round: as the reference, or as XNNPACK',
    ).choices(['double', 'single']),
  );
  command.addOption(
    new Option(
      '--mode <mode>',
      'how a model is encrypted: layer by layer (default), or whole, in one round',
    ).choices(['hybrid', 'non-interactive']),
  );
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** The files that options of models name. */
export function boundFiles({ bind }: ModelFlags): NamedFile[] {
  return bind.map((text) => ({ what: '--bind', path: text.slice(text.indexOf('=') + 1) }));
}

/** What the options of models were given; those that repeat in order. */
export function modelFlags(command: { readonly getOptionValue: (name: string) => unknown }): ModelFlags {
  return {
    bind: listOf(command.getOptionValue('bind')),
    inputType: listOf(command.getOptionValue('inputType')),
    extent: listOf(command.getOptionValue('extent')),
    encryptPools: command.getOptionValue('encryptPools') === true,
    mode: command.getOptionValue('mode') !== undefined,
    tfliteRounding: roundingOf(command.getOptionValue('tfliteRounding')),
  };
}

function roundingOf(value: unknown): 'double' | 'single' | undefined {
  return value === 'double' || value === 'single' ? value : undefined;
}

/** Adds the option that accepts a model in which nothing is encrypted; `allowsClear` reads it. */
export function addAllowClear(command: CommandUnknownOpts): void {
  command.option('--allow-clear', 'accept a model in which nothing can be encrypted');
}

export function allowsClear(command: { readonly getOptionValue: (name: string) => unknown }): boolean {
  return command.getOptionValue('allowClear') === true;
}

/** @throws CipherconvError `usage`: a single convolution is always encrypted. */
export function refuseAllowClear(command: { readonly getOptionValue: (name: string) => unknown }): void {
  if (!allowsClear(command)) return;
  throw new CipherconvError({
    code: 'usage',
    message: '--allow-clear has no effect here: it is for models',
  });
}

/** Whether a model stays encrypted from end to end (`--mode non-interactive`). */
export function isNonInteractive(command: { readonly getOptionValue: (name: string) => unknown }): boolean {
  return command.getOptionValue('mode') === 'non-interactive';
}
