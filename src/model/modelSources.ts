import { CipherconvError } from '../../compiler/base/errors.ts';
import { longWork } from '../../runtime/longWork.ts';
import { displayName, readText } from '../frontend/files.ts';
import type { ImportedModel } from '../frontend/onnx/types.ts';
import { looksLikeModelPlan } from '../frontend/planFile.ts';
import { parseJson } from '../frontend/positions.ts';
import { parseSource } from '../frontend/sources.ts';
import type { ConvSource } from '../frontend/sources.ts';
import { isModelFile } from './modelFiles.ts';
import type { ModelPlan } from './modelPlan.ts';
import { parseModelPlan } from './modelPlanFile.ts';

/** What a command was given: a convolution, or a whole model, compiled already or not. */
export type Source =
  | ConvSource
  | { readonly kind: 'model'; readonly model: ImportedModel }
  | { readonly kind: 'model-plan'; readonly plan: ModelPlan };

/** What a command line says of a model, as `parseModelOptions` reads it. */
export interface ModelFlags {
  /** `name=file.pb`: graph inputs that become constants. */
  readonly bind: readonly string[];
  /** `name=uint8,scale=1/255`: float inputs that stand for integers. */
  readonly inputType: readonly string[];
}

/**
 * Reads a filter config, a plan, an ONNX model or the plan of a model; `-` is stdin, for all but ONNX models.
 * @throws CipherconvError what reading throws, and `usage` for flags of models where there is none.
 */
export async function loadAnySource(path: string, flags: ModelFlags): Promise<Source> {
  if (isModelFile(path)) return { kind: 'model', model: await loadModel(path, flags) };
  refuseModelFlags(flags);
  const text = await readText(path);
  const file = displayName(path);
  return longWork(() =>
    looksLikeModelPlan(parseJson(text, file))
      ? { kind: 'model-plan', plan: parseModelPlan(text, file) }
      : parseSource(text, path),
  );
}

/** @throws CipherconvError `usage`: these say something of an ONNX model only. */
export function refuseModelFlags({ bind, inputType }: ModelFlags): void {
  if (bind.length + inputType.length === 0) return;
  throw new CipherconvError({
    code: 'usage',
    message: `--${bind.length > 0 ? 'bind' : 'input-type'} has no effect here: it is for ONNX models`,
  });
}

/** Reads an ONNX model. The importer is loaded late: what reads configs and plans needs none. */
export async function loadModel(path: string, { bind, inputType }: ModelFlags): Promise<ImportedModel> {
  const [{ importOnnx }, { parseModelOptions }] = await Promise.all([
    import('../frontend/onnx/importOnnx.ts'),
    import('../frontend/onnx/modelOptions.ts'),
  ]);
  return importOnnx(path, await parseModelOptions(bind, inputType));
}
