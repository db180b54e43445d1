import type { ParsedConfig } from '../frontend/config.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import type { LintSource, OpenSourceLayer, SourceLayer } from './rule.ts';

/** What configs and models are to the linter; no file is read here. */

/** A parsed filter config as the linter sees it. */
export function sourceOf(config: ParsedConfig): LintSource {
  const { spec, layout, locate, weightPath, file } = config;
  const op = 'ConvInteger';
  const layer: SourceLayer = {
    name: spec.name,
    op,
    spec,
    layout,
    locate,
    inputs: 'outside',
    declares: 'in-file',
    weightPath,
  };
  return { file, layers: [layer], openLayers: [], unsupported: [] };
}

/** An imported model as the linter sees it. Models have no lines and columns. */
export function modelSource(model: ImportedModel): LintSource {
  const { file, inputs, layers, openLayers, unsupported } = model;
  const outside = new Set(inputs.map(({ name }) => name));
  return {
    file,
    layers: layers.map(({ name, op, spec, input }) => ({
      name,
      op,
      spec,
      layout: 'NCHW',
      locate: () => null,
      inputs: outside.has(input.tensor) && input.permutation === null ? 'outside' : 'inner',
      declares: 'by-option',
      weightPath: () => [],
    })),
    openLayers: openLayers.map(openSource),
    unsupported,
  };
}

function openSource(layer: ImportedModel['openLayers'][number]): OpenSourceLayer {
  const { name, op, taps, outputChannels, inputRange, weightRange, biasRange, isPadded } = layer;
  const products = [inputRange.lo, inputRange.hi].flatMap((x) => [weightRange.lo * x, weightRange.hi * x]);
  const ends = isPadded ? [...products, 0] : products;
  return {
    name,
    op,
    taps,
    outputChannels,
    product: { lo: Math.min(...ends) + 0, hi: Math.max(...ends) + 0 },
    bias: biasRange,
    declared: layer.accumulator,
    missing: layer.open,
  };
}
