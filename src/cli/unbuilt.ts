import type { Command } from '@commander-js/extra-typings';
import { CipherconvError } from '../../compiler/errors.ts';

/** What the command line will have but does not have yet. A clear refusal, never a guess. */

/** @throws CipherconvError `unsupported`, always. */
export function refuseUnbuilt(what: string, instead?: string): never {
  throw new CipherconvError({
    code: 'unsupported',
    message: `not supported yet: ${what}`,
    ...(instead === undefined ? {} : { hint: instead }),
  });
}

const COMMANDS = ['serve'];

/** Commands to come: hidden from the help, refused with exit code 2. */
export function addUnbuilt(program: Command): void {
  for (const name of COMMANDS) {
    program
      .command(name, { hidden: true })
      .allowUnknownOption()
      .allowExcessArguments()
      .action(() => refuseUnbuilt(`the command ${name}`));
  }
}
