import { CalibrationFold, countInputs, emptyHistograms } from '../../compiler/accumulator/calibration.ts';
import type { Calibration } from '../../compiler/accumulator/calibration.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { layerInput, layerOutput } from './layerTensors.ts';
import { layersOf } from './modelFlow.ts';
import type { LayerCut, ModelFlow } from './modelFlow.ts';
import { ClearSegments, runFlow } from './runFlow.ts';
import type { NamedTensors } from './runFlow.ts';

/** A layer that is computed in the clear. */
export interface ObservableLayer extends LayerCut {
  readonly spec: ConvSpec;
}

/** What a layer's accumulators and inputs were over all samples. */
export interface ObservedLayer {
  readonly calibration: Calibration;
  /** Of its raw input values, for each channel; null where its accumulator has no declared width. */
  readonly histograms: readonly Float64Array[] | null;
}

interface Fold {
  readonly sums: CalibrationFold;
  readonly counts: readonly Float64Array[] | null;
}

/**
 * Runs a model on samples in the clear, its layers in integers, and says what every layer saw. Samples are run twice, so
 * that nothing is kept of them: first for the ranges, then for the histograms.
 * @param samples gives the samples, each time it is called
 * @param onSample told before every run
 * @throws CipherconvError `shape-mismatch` or `out-of-range` for samples that the model does not take, `unsupported` for a
 * node that nothing here computes
 */
export async function observeLayers<Layer extends ObservableLayer>(
  flow: ModelFlow<Layer>,
  samples: () => AsyncIterable<NamedTensors>,
  onSample: () => void,
): Promise<ReadonlyMap<Layer, ObservedLayer>> {
  const segments = new ClearSegments(true);
  const folds = new Map(layersOf(flow).map((layer) => [layer, emptyFold(layer.spec)] as const));
  for (const pass of ['ranges', 'counts'] as const) {
    for await (const sample of samples()) {
      onSample();
      await runFlow(flow, sample, segments, {
        meter: null,
        keepsActivations: false,
        round: (layers, take) =>
          Promise.resolve(
            layers.map((layer) => {
              const { spec } = layer;
              const input = layerInput(layer, spec, take(layer.input.tensor));
              const sums = convolve(spec, input);
              add(folds.get(layer), pass, spec, { input: input.data, sums: sums.data });
              return layerOutput(layer, spec.bias, sums);
            }),
          ),
      });
    }
  }
  return new Map(
    [...folds].map(([layer, { sums, counts }]) => [
      layer,
      { calibration: sums.summary(), histograms: counts },
    ]),
  );
}

function emptyFold({ input, weights, accumulator }: ConvSpec): Fold {
  return {
    sums: new CalibrationFold(weights.outChannels),
    counts: accumulator === null ? null : emptyHistograms(input.channels, input.range),
  };
}

/** @param values of one sample: NCHW, of any batch */
function add(
  fold: Fold | undefined,
  pass: 'ranges' | 'counts',
  { input: { batch, height, width, range } }: ConvSpec,
  values: { readonly input: Float64Array; readonly sums: Float64Array },
): void {
  if (fold === undefined) return;
  const size = values.sums.length / batch;
  for (let image = 0; image < batch; image++) {
    const sums = values.sums.subarray(image * size, (image + 1) * size);
    if (pass === 'ranges') fold.sums.addRanges(sums);
    else fold.sums.addCounts(sums);
  }
  if (pass === 'counts' && fold.counts !== null)
    countInputs(fold.counts, values.input, range, height * width);
}
