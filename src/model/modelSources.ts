import { CipherconvError } from '../../compiler/errors.ts';
import { displayName, readBytes, readText } from '../frontend/files.ts';
import { decodeTensorFile } from '../frontend/onnx/tensorProto.ts';
import type { ImportedModel, OnnxTensor } from '../frontend/onnx/types.ts';
import { parseJson } from '../frontend/positions.ts';
import { parseSource } from '../frontend/sources.ts';
import type { ConvSource } from '../frontend/sources.ts';
import { isModelFile } from './modelFiles.ts';
import type { ModelPlan } from './modelPlan.ts';
import { looksLikeModelPlan, parseModelPlan } from './modelPlanFile.ts';

/** What a command was given: a convolution, or a whole model, compiled already or not. */
export type Source =
  | ConvSource
  | { readonly kind: 'model'; readonly model: ImportedModel }
  | { readonly kind: 'model-plan'; readonly plan: ModelPlan };

/**
 * Reads a filter config, a plan, an ONNX model or the plan of a model; `-` is stdin, for all but ONNX models.
 * @param bind `name=file.pb`: graph inputs of an ONNX model that become constants
 * @throws CipherconvError what reading throws, and `usage` for a binding of anything else.
 */
export async function loadAnySource(path: string, bind: readonly string[]): Promise<Source> {
  if (isModelFile(path)) return { kind: 'model', model: await loadModel(path, bind) };
  if (bind.length > 0) {
    throw new CipherconvError({
      code: 'usage',
      message: '--bind has no effect here: only the inputs of an ONNX model can be bound',
    });
  }
  const text = await readText(path);
  const file = displayName(path);
  if (looksLikeModelPlan(parseJson(text, file))) {
    return { kind: 'model-plan', plan: parseModelPlan(text, file) };
  }
  return parseSource(text, path);
}

/** Reads an ONNX model. */
export async function loadModel(path: string, bind: readonly string[]): Promise<ImportedModel> {
  // Loaded late: what reads configs and plans needs no importer.
  const { importOnnx } = await import('../frontend/onnx/importOnnx.ts');
  return importOnnx(path, { bind: await readBindings(bind) });
}

async function readBindings(bind: readonly string[]): Promise<ReadonlyMap<string, OnnxTensor>> {
  const tensors = new Map<string, OnnxTensor>();
  for (const text of bind) {
    // A name may hold `=`, the file name is less likely to.
    const split = text.lastIndexOf('=');
    if (split <= 0 || split === text.length - 1) {
      throw new CipherconvError({
        code: 'usage',
        where: '--bind',
        message: 'not a binding',
        expected: 'NAME=FILE.pb',
        found: text,
      });
    }
    const file = text.slice(split + 1);
    tensors.set(text.slice(0, split), decodeTensorFile(await readBytes(file), file));
  }
  return tensors;
}
