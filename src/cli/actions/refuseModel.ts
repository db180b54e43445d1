import { CipherconvError } from '../../../compiler/base/errors.ts';
import { modelFormat } from '../../model/modelFiles.ts';

/** @throws CipherconvError `usage`: a model's file is no text, which would be complained of instead. */
export async function refuseModel(path: string): Promise<void> {
  if ((await modelFormat(path)) === null) return;
  throw new CipherconvError({
    code: 'usage',
    where: path,
    message: 'this is a model, not a plan',
    expected: 'plans of convolutions or models',
    hint: 'compile MODEL -o FILE writes a plan',
  });
}
