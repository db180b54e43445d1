import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Samples } from './analyze.ts';
import { samplesFor } from './calibrationInputs.ts';
import type { CalibrationInputs } from './calibrationInputs.ts';
import type { WholeModel } from './modelSamples.ts';
import type { LintSource, SourceLayer } from './rule.ts';

/** What the layers of a source saw of the sample inputs; null for one that saw none. */
export type Sampler = (layer: SourceLayer) => Samples | null;

/**
 * Prepares the sample inputs for one source. Samples of a model are run through all of it. Those that are no inputs of
 * the model (pictures of another size) still slide over the layers that read the integers of an input.
 * @param whole the model that the source is of; null for a single convolution
 * @throws CipherconvError what reading throws; `shape-mismatch`, `out-of-range` or `unsupported` for samples that neither
 * the model nor a layer takes
 */
export async function samplerOf(
  source: LintSource,
  whole: WholeModel | null,
  calibration: CalibrationInputs,
  onSample: () => void = () => undefined,
): Promise<Sampler> {
  const observed = whole === null ? null : await throughModel(source, whole, calibration, onSample);
  const use = (layer: SourceLayer, fits: boolean | 'inner'): void => {
    calibration.used(`${layer.name} (${source.file})`, fits);
  };
  if (observed !== null)
    return (layer) => {
      const samples = observed.get(layer) ?? null;
      use(layer, samples !== null);
      return samples;
    };
  const inputs = source.layers.some((layer) => layer.inputs === 'outside') ? await calibration.inputs() : [];
  return (layer) => {
    if (layer.inputs === 'inner') {
      use(layer, 'inner');
      return null;
    }
    const samples = samplesFor(inputs, layer);
    use(layer, samples !== null);
    return samples;
  };
}

async function throughModel(
  source: LintSource,
  whole: WholeModel,
  calibration: CalibrationInputs,
  onSample: () => void,
): Promise<ReadonlyMap<SourceLayer, Samples> | null> {
  try {
    const { modelSamples } = await import('./modelSamples.ts');
    return await modelSamples(source, whole, calibration, onSample);
  } catch (error) {
    const slides = source.layers.some(({ inputs }) => inputs === 'outside');
    const isUnfit = error instanceof CipherconvError && FOR_SINGLE_LAYERS.has(error.code);
    if (slides && isUnfit) return null;
    throw error;
  }
}

/** What a model does not take may still fit one of its layers. */
const FOR_SINGLE_LAYERS: ReadonlySet<string> = new Set(['shape-mismatch', 'unsupported']);
