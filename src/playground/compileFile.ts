import { CipherconvError } from '../../compiler/base/errors.ts';
import { keyBytes } from '../../compiler/lowerings/plan.ts';
import { explainSections } from '../cli/explainSections.ts';
import { reportsOf } from '../cli/planReports.ts';
import { describeWidth } from '../cli/planText.ts';
import { compileConfig } from '../compile.ts';
import { parseFilterConfig, TooWideError } from '../frontend/config.ts';
import type { ParsedConfig } from '../frontend/config.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { complete } from '../hint.ts';
import type { LintReport } from '../lint/finding.ts';
import { lintSource } from '../lint/lintSource.ts';
import { modelSource, sourceOf } from '../lint/lintSources.ts';
import { tooWideFinding } from '../lint/refusal.ts';
import { DEFAULT_SETTINGS } from '../lint/settings.ts';
import { encodeClientModel } from '../model/clientModelFile.ts';
import { clientModelOf } from '../model/clientModelOf.ts';
import { compileModelAsync } from '../model/compileModel.ts';
import { layersOf } from '../model/modelFlow.ts';
import type { ModelPlan } from '../model/modelPlan.ts';
import { npyAmong } from '../page/comparison.ts';
import type { NamedFile } from '../page/messages.ts';
import { formatInteger } from '../page/pixels.ts';
import type { Choices, Section } from './compiling.ts';
import { filterReport, modelReport } from './reporting.ts';
import type { Served } from './serving.ts';

/** What a file compiled to. */
export interface Compiled {
  readonly served: Served;
  readonly sections: readonly Section[];
  /** The whole of a model, to compare with; null for one convolution. */
  readonly model: ModelPlan | null;
  /** Makes the report, which takes longer than the rest. */
  readonly report: () => string;
}

/** Whom a compilation tells of what it has found before it ends. */
export interface CompileListener {
  readonly onLinted: (report: LintReport) => void;
  /** Told of the report of what could be analysed but not compiled. */
  readonly onReport: (html: string) => void;
  /** Told in a sentence how far it is. */
  readonly onProgress: (text: string) => void;
}

/** What is asked for. */
export interface Asked {
  readonly main: NamedFile;
  readonly beside: readonly NamedFile[];
  readonly choices: Choices;
}

/**
 * Lints and compiles a config or a model; reads nothing but what it is given.
 * @param listener told what the linter found, before anything is compiled
 * @throws CipherconvError as `parseFilterConfig`, `importOnnx`, `importTflite` and the compiler do
 */
export function compileFile(asked: Asked, listener: CompileListener): Promise<Compiled> {
  return modelKind(asked.main) === null ? compileText(asked, listener) : compileModelFile(asked, listener);
}

async function compileText(
  { main, beside, choices }: Asked,
  { onLinted, onReport }: CompileListener,
): Promise<Compiled> {
  const text = new TextDecoder('utf-8', { fatal: false }).decode(main.bytes);
  const config = parsed(text, main.name, beside, onLinted);
  const lint = lintSource(sourceOf(config));
  onLinted(lint);
  const plan = await planOf(config, choices, (error) => {
    onReport(filterReport(config, lint, { error }));
  });
  const sections = explainSections(plan, reportsOf(plan)).map(([title, lines]): Section => ({
    kind: 'lines',
    title,
    lines,
  }));
  const report = (): string => filterReport(config, lint, { plan });
  return { served: { kind: 'plan', stored: plan }, sections, model: null, report };
}

async function planOf(
  config: ParsedConfig,
  choices: Choices,
  onRefused: (error: unknown) => void,
): Promise<StoredPlan> {
  try {
    return (await complete(compileConfig(config, choices))).plan;
  } catch (error) {
    if (error instanceof CipherconvError) onRefused(error);
    throw error;
  }
}

function parsed(
  text: string,
  file: string,
  beside: readonly NamedFile[],
  onLinted: (report: LintReport) => void,
): ParsedConfig {
  try {
    return parseFilterConfig(text, { file, loadNpy: (path) => npyAmong(beside, path) });
  } catch (error) {
    const finding = error instanceof TooWideError ? tooWideFinding(error, DEFAULT_SETTINGS) : null;
    if (finding !== null) onLinted({ findings: [finding], layers: [] });
    throw error;
  }
}

async function compileModelFile(
  { main, choices }: Asked,
  { onLinted, onProgress }: CompileListener,
): Promise<Compiled> {
  const model = await importedModel(main);
  const lint = lintSource(modelSource(model));
  onLinted(lint);
  const plan = await compileModelAsync(model, choices, (layer, total) => {
    onProgress(`Compiling layer ${layer + 1} of ${total}.`);
  });
  const client = clientModelOf(plan);
  const layers = layersOf(plan).map(({ stored }) => stored);
  const { digest, name } = client;
  const served = { kind: 'model', digest, name, clientText: encodeClientModel(client), layers } as const;
  const report = (): string => modelReport(plan, lint, { file: main.name, digest });
  return { served, sections: modelSections(plan), model: plan, report };
}

type ModelKind = 'onnx' | 'tflite';

/** By its name, or by the mark that TFLite files bear. */
function modelKind({ name, bytes }: NamedFile): ModelKind | null {
  const mark = String.fromCharCode(...bytes.subarray(4, 8));
  if (mark === 'TFL3' || /\.tflite$/i.test(name)) return 'tflite';
  return /\.onnx$/i.test(name) ? 'onnx' : null;
}

/** The importers are loaded for models only. */
async function importedModel(file: NamedFile): Promise<ImportedModel> {
  if (modelKind(file) === 'tflite') {
    const { importTfliteModel } = await import('../frontend/tflite/importTfliteModel.ts');
    return importTfliteModel(file.bytes, { file: file.name });
  }
  const [{ importModelWith }, { noExternalData }] = await Promise.all([
    import('../frontend/onnx/importModel.ts'),
    import('../frontend/onnx/proto/externalReader.ts'),
  ]);
  return importModelWith(file.bytes, { file: file.name }, noExternalData);
}

function modelSections(plan: ModelPlan): Section[] {
  const { encrypted, total } = plan.macs;
  const layers = layersOf(plan);
  const heads = [
    'layer',
    'operator',
    'accumulator',
    'N',
    't',
    'lowering',
    'bytes up',
    'bytes down',
    'bytes of keys',
  ];
  const rows = layers.map(({ name, op, stored }) => [name, op, ...layerCells(stored)]);
  return [
    { kind: 'table', title: 'Encrypted layers', rows: [heads, ...rows] },
    {
      kind: 'lines',
      title: 'Who computes what',
      lines: [
        `${formatInteger(encrypted)} of ${formatInteger(total)} multiply-accumulates are computed encrypted, in ${plan.rounds.length} rounds`,
        'what is between the layers is computed by the client in the clear',
        ...plan.clear.map(({ name, op, reason }) => `${name} (${op}) is computed in the clear: ${reason}`),
      ],
    },
  ];
}

function layerCells({ plan }: StoredPlan): string[] {
  const { parameters, analysis, bytes, lowering } = plan;
  return [
    describeWidth(analysis.required),
    String(parameters.degree),
    String(parameters.plainModulus),
    lowering,
    formatInteger(bytes.upload),
    formatInteger(bytes.response),
    formatInteger(keyBytes(plan)),
  ];
}

/** What an error says to people. */
export function refusalText(error: unknown): string {
  if (error instanceof CipherconvError || error instanceof Error) return error.message;
  return 'the compiler failed in this browser; reload the page';
}
