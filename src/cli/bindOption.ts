import { Option } from '@commander-js/extra-typings';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { CipherconvError } from '../../compiler/errors.ts';

/** Adds --bind, which makes graph inputs of an ONNX model constant; `bindings` reads it. */
export function addBindOption(command: CommandUnknownOpts): void {
  const collect = (text: string, before: unknown): string[] => [...listOf(before), text];
  command.addOption(
    new Option(
      '--bind <name=file.pb>',
      'make an input of an ONNX model constant (may be repeated)',
    ).argParser(collect),
  );
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** What --bind was given, in order. */
export function bindings(command: { readonly getOptionValue: (name: string) => unknown }): string[] {
  return listOf(command.getOptionValue('bind'));
}

/** @throws CipherconvError `usage`: only models have graph inputs. */
export function refuseBindings(bind: readonly string[]): void {
  if (bind.length === 0) return;
  throw new CipherconvError({
    code: 'usage',
    message: '--bind has no effect here: only the inputs of an ONNX model can be bound',
  });
}
