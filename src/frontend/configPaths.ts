import { outsideAxis, outsideWeightAxis, outsideWeightIndex } from './layouts.ts';
import { pathOfElement } from './nested.ts';
import type { Nesting } from './nested.ts';
import { formatPath } from './positions.ts';
import type { JsonPath } from './positions.ts';
import type { FilterConfig } from './schema.ts';

/** Where the weights came from, to point at one of them. */
export type WeightSource =
  { readonly kind: 'inline'; readonly nesting: Nesting } | { readonly kind: 'npy'; readonly path: string };

/** A place in a config: where to point, and what to call it (null: the config as a whole). */
export interface ConfigPlace {
  readonly path: JsonPath;
  readonly label: string | null;
}

const INPUT_AXES: Readonly<Record<string, number>> = { batch: 0, channels: 1, height: 2, width: 3 };
const WEIGHT_AXES: Readonly<Record<string, number>> = {
  outChannels: 0,
  channelsPerGroup: 1,
  kernelHeight: 2,
  kernelWidth: 3,
};

/** The place in the config of what `makeSpec` calls `where`, such as `weights.values[12]` (OIHW) or `input.height`. */
export function configPathOf(
  where: string | undefined,
  config: FilterConfig,
  weights: WeightSource,
): ConfigPlace {
  if (where === undefined) return { path: [], label: null };
  const match = /^([\w.]+)(?:\[(\d+)\])?$/.exec(where);
  const name = match?.[1] ?? where;
  const index = match?.[2] === undefined ? null : Number(match[2]);
  const [group = '', key] = name.split('.');
  if (group === 'input' && key !== undefined && key in INPUT_AXES) {
    return place(['input', 'shape', outsideAxis(config.input.layout, INPUT_AXES[key] ?? 0)]);
  }
  if (group === 'weights' && key !== undefined && key in WEIGHT_AXES) {
    return place(['weights', 'shape', outsideWeightAxis(config.weights.layout, WEIGHT_AXES[key] ?? 0)]);
  }
  if (name === 'weights.values' && index !== null) return weightPlace(config, weights, index);
  if (name === 'weights.zeroPoint' && typeof config.weights.zeroPoint === 'number')
    return place(name.split('.'));
  return place(index === null ? name.split('.') : [...name.split('.'), index]);
}

function place(path: JsonPath): ConfigPlace {
  return { path, label: formatPath(path) };
}

function weightPlace(config: FilterConfig, weights: WeightSource, canonicalIndex: number): ConfigPlace {
  const { shape, layout } = config.weights;
  const index = outsideWeightIndex(shape, layout, canonicalIndex);
  switch (weights.kind) {
    case 'npy':
      return { path: ['weights', 'values', 'npy'], label: `${weights.path}, element ${index}` };
    case 'inline':
      return place(['weights', 'values', ...pathOfElement(weights.nesting, shape, index)]);
  }
}
