import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import { cutModel } from '../model/modelCut.ts';
import { fitStack, readInputFiles } from '../model/modelInputs.ts';
import { layersOf } from '../model/modelFlow.ts';
import type { ModelFlow } from '../model/modelFlow.ts';
import type { JoinedModel } from '../model/modelPlan.ts';
import { observeLayers } from '../model/observeLayers.ts';
import type { ObservableLayer } from '../model/observeLayers.ts';
import type { NamedTensors } from '../model/runFlow.ts';
import type { Samples } from './analyze.ts';
import type { CalibrationInputs } from './calibrationInputs.ts';
import type { LintSource, SourceLayer } from './rule.ts';

/** Sample inputs of a whole model: every layer sees what the steps before it make of them. Loaded for models only. */

/** A model whose layers are those of a source, in the same order. */
export type WholeModel =
  | { readonly kind: 'model'; readonly model: ImportedModel }
  | { readonly kind: 'plan'; readonly plan: JoinedModel };

/** By the position in the source. */
interface Observable {
  readonly flow: ModelFlow<ObservableLayer>;
  readonly layers: readonly ObservableLayer[];
}

function observable(whole: WholeModel, { layers: held }: LintSource): Observable | null {
  if (whole.kind === 'plan') {
    const { plan } = whole;
    const rounds = plan.rounds.map((round) =>
      round.map((layer) => ({ ...layer, spec: layer.stored.plan.spec })),
    );
    return { flow: { ...plan, rounds }, layers: layersOf({ rounds }) };
  }
  const { model } = whole;
  // Sizes that are not given: single layers may take samples all the same.
  if (model.openExtents.length > 0 || model.openLayers.length > 0) return null;
  const { rounds, ...flow } = cutModel(model);
  const layers = flow.layers.map((layer, index) => ({ ...layer, spec: held[index]!.spec }));
  return { flow: { ...flow, rounds: rounds.map((round) => round.map((index) => layers[index]!)) }, layers };
}

async function* samplesOf(
  { flow }: Observable,
  { files }: CalibrationInputs,
): AsyncGenerator<NamedTensors, void, undefined> {
  for (const file of files) {
    const read = await readInputFiles(flow.inputs, [file]);
    for (const sample of fitStack(flow, read, () => undefined)) yield sample;
  }
}

/**
 * Runs the samples through a model in the clear; null where its sizes are not known.
 * @param onSample told before every run
 * @throws CipherconvError `shape-mismatch` or `out-of-range` for samples that the model does not take, `unsupported` for
 * several inputs or a step that nothing here computes
 */
export async function modelSamples(
  source: LintSource,
  whole: WholeModel,
  calibration: CalibrationInputs,
  onSample: () => void,
): Promise<ReadonlyMap<SourceLayer, Samples> | null> {
  const found = observable(whole, source);
  if (found === null || found.layers.length === 0) return null;
  const { flow, layers } = found;
  if (flow.inputs.length !== 1)
    throw new CipherconvError({
      code: 'unsupported',
      where: calibration.path,
      message: 'not supported yet: sample inputs of a model with several inputs',
      expected: 'a model with one input',
      found: flow.inputs.map(({ name }) => name).join(', '),
      hint: '--bind makes the others constant',
    });
  const observed = await observeLayers(flow, () => samplesOf(found, calibration), onSample);
  return new Map(
    source.layers.flatMap((layer, index): [SourceLayer, Samples][] => {
      const samples = observed.get(layers[index]!);
      return samples === undefined ? [] : [[layer, samples]];
    }),
  );
}
