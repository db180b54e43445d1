import { dirname } from 'node:path';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { longWork } from '../../runtime/longWork.ts';
import { displayName, readText } from '../frontend/files.ts';
import type { ModelFlags } from '../frontend/onnx/modelOptions.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import type { ImportOptions } from '../frontend/onnx/types.ts';
import { looksLikeModelPlan } from '../frontend/planFile.ts';
import { parseJson } from '../frontend/positions.ts';
import { parseSource } from '../frontend/sources.ts';
import type { ConvSource } from '../frontend/sources.ts';
import type { StoredNetwork } from '../network/networkPlan.ts';
import { looksLikeNetworkPlan } from '../network/networkPlan.ts';
import { parseNetworkPlan } from '../network/networkPlanFile.ts';
import { extentsOf, hasOpenExtents } from './inputExtents.ts';
import { readInputFiles } from './modelInputs.ts';
import type { InputFiles } from './modelInputs.ts';
import { modelFormat } from './modelFiles.ts';
import type { ModelFormat } from './modelFiles.ts';
import type { ClientModel } from './clientModel.ts';
import { looksLikeClientModel, parseClientModel } from './clientModelFile.ts';
import { readModelParts } from './modelParts.ts';
import type { JoinedModel } from './modelPlan.ts';
import { parseModelPlan } from './modelPlanFile.ts';
import { joinModel, looksLikeServerModel } from './serverModel.ts';
import type { ServerModel } from './serverModel.ts';

/** What a command was given: a convolution, or a whole model, compiled already or not. */
export type Source =
  | ConvSource
  | { readonly kind: 'model'; readonly model: ImportedModel; readonly inputs: InputFiles | null }
  | { readonly kind: 'model-plan'; readonly plan: JoinedModel }
  | { readonly kind: 'network-plan'; readonly stored: StoredNetwork }
  | ModelPart;

/** One side of a compiled model, without the other. */
export type ModelPart =
  | { readonly kind: 'server-model'; readonly model: ServerModel }
  | { readonly kind: 'client-model'; readonly model: ClientModel };

/**
 * Reads a filter config, a plan, an ONNX or TFLite model or the plan of a model; `-` is stdin, for all but models.
 * @param inputs files as `--input` names them: a model whose inputs have symbolic extents takes them from these
 * @throws CipherconvError what reading throws, and `usage` for flags of models where there is none.
 */
export async function loadAnySource(
  path: string,
  flags: ModelFlags,
  inputs: readonly string[] = [],
): Promise<Source> {
  const format = await modelFormat(path);
  if (format !== null) return { kind: 'model', ...(await loadForInputs(path, format, flags, inputs)) };
  refuseModelFlags(flags);
  const text = await readText(path);
  return longWork(() => compiledModel(text, path) ?? parseSource(text, path));
}

/** What a text is of a compiled model: the whole, both sides, or one; null for none of them. */
function compiledModel(text: string, path: string): Source | null {
  const file = displayName(path);
  const value = parseJson(text, file);
  if (looksLikeModelPlan(value)) return { kind: 'model-plan', plan: parseModelPlan(text, file) };
  if (looksLikeNetworkPlan(value)) return { kind: 'network-plan', stored: parseNetworkPlan(text, file) };
  if (looksLikeClientModel(value)) return { kind: 'client-model', model: parseClientModel(text, file) };
  if (!looksLikeServerModel(value)) return null;
  const { server, client } = readModelParts(text, path);
  return client === null
    ? { kind: 'server-model', model: server }
    : { kind: 'model-plan', plan: joinModel(server, client.model, client.file) };
}

/** @throws CipherconvError `usage`: these say something of models only. */
export function refuseModelFlags(flags: ModelFlags): void {
  refuseOnnxFlags(flags);
  refuseTfliteFlags(flags);
  if (flags.mode === true) refuseFlag('--mode', 'models that are not compiled yet');
}

function refuseOnnxFlags({ bind, inputType, extent, encryptPools }: ModelFlags): void {
  const given = [
    { flag: '--bind', isGiven: bind.length > 0 },
    { flag: '--input-type', isGiven: inputType.length > 0 },
    { flag: '--extent', isGiven: extent.length > 0 },
    { flag: '--encrypt-pools', isGiven: encryptPools === true },
  ].find(({ isGiven }) => isGiven);
  if (given !== undefined) refuseFlag(given.flag, 'ONNX models');
}

function refuseTfliteFlags({ tfliteRounding }: ModelFlags): void {
  if (tfliteRounding !== undefined)
    refuseFlag('--tflite-rounding', 'TFLite models that are not compiled yet');
}

function refuseFlag(flag: string, what: string): never {
  throw new CipherconvError({ code: 'usage', message: `${flag} has no effect here: it is for ${what}` });
}

/** Reads a model. The importer is loaded late: what reads configs and plans needs none. */
export async function loadModel(path: string, flags: ModelFlags): Promise<ImportedModel> {
  return (await loadForInputs(path, (await modelFormat(path)) ?? 'onnx', flags, [])).model;
}

interface Loaded {
  readonly model: ImportedModel;
  /** What was read of the inputs already. */
  readonly inputs: InputFiles | null;
}

async function loadForInputs(
  path: string,
  format: ModelFormat,
  flags: ModelFlags,
  given: readonly string[],
): Promise<Loaded> {
  if (format === 'onnx') return loadOnnx(path, flags, given);
  refuseOnnxFlags(flags);
  const { importTflite } = await import('../frontend/tflite/importTflite.ts');
  const { tfliteRounding } = flags;
  const options = tfliteRounding === undefined ? {} : { rounding: tfliteRounding };
  return { model: await importTflite(path, options), inputs: null };
}

/** A model, its symbolic extents those of the files; the files are read only where the model leaves extents open. */
async function loadOnnx(path: string, flags: ModelFlags, given: readonly string[]): Promise<Loaded> {
  refuseTfliteFlags(flags);
  const [{ declaredInputs, importOnnx, readModel }, { parseModelOptions }] = await Promise.all([
    import('../frontend/onnx/importOnnx.ts'),
    import('../frontend/onnx/modelOptions.ts'),
  ]);
  const options = await parseModelOptions(flags);
  if (given.length === 0) return { model: await importOnnx(path, options), inputs: null };
  const bytes = await readModel(path);
  const file = displayName(path);
  const declared = declaredInputs(bytes, file).filter(({ name }) => !options.bind.has(name));
  const location = { file, folder: dirname(path) };
  const isOpen = hasOpenExtents(declared, options.extents);
  const early = isOpen ? await readInputFiles(declared, given) : null;
  const found = early === null ? [] : extentsOf(declared, early);
  const all: ImportOptions = { ...options, ...location, extents: new Map([...found, ...options.extents]) };
  const model = await importOnnx(bytes, all);
  const { lacksShapes, observedShapes } = await import('./observedShapes.ts');
  if (!lacksShapes(model)) return { model, inputs: early };
  const inputs = early ?? (await readInputFiles(declared, given));
  const observed = await observedShapes(model, inputs);
  return { model: observed.size === 0 ? model : await importOnnx(bytes, { ...all, observed }), inputs };
}
