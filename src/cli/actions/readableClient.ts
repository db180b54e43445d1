import { CipherconvError } from '../../../compiler/base/errors.ts';

/**
 * A client plan, read back as clients read it: one that they would refuse is not written.
 * @param hint what to do instead
 * @throws CipherconvError `unsupported`
 */
export function readableClient(
  text: string,
  parse: (text: string, file: string) => unknown,
  hint: string,
): string {
  try {
    parse(text, 'the client plan');
    return text;
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    const { where, message, expected, found } = error.details;
    throw new CipherconvError(
      {
        code: 'unsupported',
        where: where === undefined ? '--client-plan' : `--client-plan: ${where}`,
        message: `not supported yet: such a client plan: ${message}`,
        ...(expected === undefined ? {} : { expected }),
        ...(found === undefined ? {} : { found }),
        hint,
      },
      { cause: error },
    );
  }
}
