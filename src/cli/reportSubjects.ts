import { withAccumulatorBits } from '../../compiler/accumulator/declaredWidth.ts';
import type { ErrorDetails } from '../../compiler/base/errors.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { CompileOptions } from '../../compiler/lowerings/compile.ts';
import { longWork } from '../../runtime/longWork.ts';
import { compileConfig } from '../compile.ts';
import type { ParsedConfig } from '../frontend/config.ts';
import type { ImportedLayer } from '../frontend/imported/types.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import { planCore } from '../frontend/planFile.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { complete } from '../hint.ts';
import { PROBABILITY_BUDGET } from '../lint/analyze.ts';
import type { CalibrationInputs } from '../lint/calibrationInputs.ts';
import type { LintReport } from '../lint/finding.ts';
import { lintSource } from '../lint/lintSource.ts';
import type { WholeModel } from '../lint/modelSamples.ts';
import type { LintSource, SourceLayer } from '../lint/rule.ts';
import { samplerOf } from '../lint/sampler.ts';
import { DEFAULT_SETTINGS } from '../lint/settings.ts';
import { modelSource, sourceOf } from '../lint/lintSources.ts';
import { holdTo } from '../lint/sources.ts';
import { clientModelOf } from '../model/clientModelOf.ts';
import { compileModelAsync } from '../model/compileModel.ts';
import { layersOf } from '../model/modelFlow.ts';
import type { JoinedModel } from '../model/modelPlan.ts';
import { refusalOf } from '../report/data/layerReport.ts';
import type { LayerSource } from '../report/data/layerReport.ts';
import type { ConvolutionSubject, ModelSubject } from '../report/data/reportOf.ts';
import type { Terminal } from './terminal.ts';

/** What `report` was given becomes what a report is made from: linted, and compiled as far as it can be. */

export interface SubjectRequest {
  /** As messages name it. */
  readonly file: string;
  readonly calibration: CalibrationInputs | null;
  readonly options: CompileOptions;
  readonly io: Terminal;
}

async function linted(
  source: LintSource,
  whole: WholeModel | null,
  { calibration, io }: SubjectRequest,
): Promise<LintReport> {
  const samples =
    calibration === null
      ? null
      : await samplerOf(source, whole, calibration, () => {
          io.progress('samples in the clear', 0, 1);
        });
  io.endProgress();
  const context = { settings: DEFAULT_SETTINGS, samples, probabilityBudget: PROBABILITY_BUDGET };
  return longWork(() => lintSource(source, context));
}

/** What cannot be compiled is what the report is about, too. */
async function tried(compile: () => Promise<StoredPlan>): Promise<StoredPlan | ErrorDetails> {
  try {
    return await compile();
  } catch (error) {
    return refusalOf(error);
  }
}

export async function configSubject(
  config: ParsedConfig,
  request: SubjectRequest,
): Promise<ConvolutionSubject> {
  const held = holdTo(sourceOf(config), request.options.accumulatorBits);
  const { findings, layers } = await linted(held, null, request);
  const compiled = await tried(async () => (await complete(compileConfig(config, request.options))).plan);
  const { spec, file } = config;
  const layer = { name: spec.name, op: 'ConvInteger', spec, compiled, analysis: layers[0] ?? null };
  return { kind: 'convolution', file, layer, findings };
}

/** A convolution of a plan, whose file has no places to point at. */
function plannedLayer(
  name: string,
  op: string,
  { plan, layout }: StoredPlan,
  inputs: SourceLayer['inputs'],
): SourceLayer {
  return {
    name,
    op,
    spec: plan.spec,
    layout,
    locate: () => null,
    inputs,
    declares: 'in-file',
    weightPath: () => [],
  };
}

export async function planSubject(stored: StoredPlan, request: SubjectRequest): Promise<ConvolutionSubject> {
  const { spec } = stored.plan;
  const op = 'ConvInteger';
  const layer = plannedLayer(spec.name, op, stored, 'outside');
  const { file } = request;
  const source = { file, layers: [layer], openLayers: [], unsupported: [] };
  const { findings, layers } = await linted(source, null, request);
  return {
    kind: 'convolution',
    file,
    layer: { name: spec.name, op, spec, compiled: stored, analysis: layers[0] ?? null },
    findings,
  };
}

export async function modelPlanSubject(plan: JoinedModel, request: SubjectRequest): Promise<ModelSubject> {
  const planned = layersOf(plan);
  const outside = new Set(plan.inputs.map(({ name }) => name));
  const source: LintSource = {
    file: request.file,
    layers: planned.map(({ name, op, input, stored }) =>
      plannedLayer(
        name,
        op,
        stored,
        outside.has(input.tensor) && input.permutation === null ? 'outside' : 'inner',
      ),
    ),
    openLayers: [],
    unsupported: [],
  };
  return joined(plan, request.file, await linted(source, { kind: 'plan', plan }, request));
}

function joined(plan: JoinedModel, file: string, { findings, layers }: LintReport): ModelSubject {
  // A plan has its layers in rounds, an importer in the order of the graph.
  const analysed = new Map(layers.map((layer) => [layer.name, layer]));
  return {
    kind: 'model',
    file,
    name: plan.name,
    digest: clientModelOf(plan).digest,
    layers: layersOf(plan).map(({ name, op, stored }) => ({
      name,
      op,
      spec: stored.plan.spec,
      compiled: stored,
      analysis: analysed.get(name) ?? null,
    })),
    openLayers: [],
    flow: plan,
    findings,
  };
}

export async function modelSubject(model: ImportedModel, request: SubjectRequest): Promise<ModelSubject> {
  const { options, io } = request;
  const { accumulatorBits } = options;
  const lint = await linted(holdTo(modelSource(model), accumulatorBits), { kind: 'model', model }, request);
  const plan = await compiledModel(model, request);
  if (!('code' in plan)) return joined(plan, model.file, lint);
  if (plan.code !== 'overflow' && plan.code !== 'beyond-bfv' && model.openLayers.length === 0)
    io.notice(`nothing is compiled: ${plan.message}`);
  const layers: LayerSource[] = [];
  for (const [index, layer] of model.layers.entries()) {
    io.progress('compile', index, model.layers.length);
    layers.push(await layerAlone(layer, lint, options));
  }
  io.endProgress();
  const open = new Set(model.openLayers.map(({ name }) => name));
  return {
    kind: 'model',
    file: model.file,
    name: model.name,
    digest: null,
    layers,
    openLayers: lint.layers.filter(({ name }) => open.has(name)).map((layer) => ({ layer, refusal: plan })),
    flow: null,
    findings: lint.findings,
  };
}

/** The whole model; or why not, if that is about its convolutions. */
async function compiledModel(
  model: ImportedModel,
  { options, io }: SubjectRequest,
): Promise<JoinedModel | ErrorDetails> {
  try {
    return await compileModelAsync(model, { ...options, allowClear: true }, (layer, total) => {
      io.progress('compile', layer, total);
    });
  } catch (error) {
    return refusalOf(error);
  } finally {
    io.endProgress();
  }
}

/** A layer of a model that cannot be compiled as a whole. */
async function layerAlone(
  { name, op, spec }: ImportedLayer,
  { layers }: LintReport,
  options: CompileOptions,
): Promise<LayerSource> {
  const compiled = await tried(async () => {
    const plan = longWork(() => compileSpec(spec, options));
    return (await complete(planCore(plan, 'NCHW'))).plan;
  });
  return {
    name,
    op,
    spec: withAccumulatorBits(spec, options.accumulatorBits),
    compiled,
    analysis: layers.find((layer) => layer.name === name) ?? null,
  };
}
