import { CipherconvError } from '../../../compiler/base/errors.ts';
import { isModelFile } from '../../model/modelFiles.ts';

/** @throws CipherconvError `usage`: a model's file is no text, which would be complained of instead. */
export function refuseModel(path: string): void {
  if (!isModelFile(path)) return;
  throw new CipherconvError({
    code: 'usage',
    where: path,
    message: 'this is a model, not a plan',
    expected: 'plans of convolutions or models',
    hint: 'compile MODEL -o FILE writes a plan',
  });
}
