import type { ServedPlan } from './plans.ts';
import { problem } from './problems.ts';
import type { AppContext, AppState } from './state.ts';

/** The layer that a path names, by its position in `parameter`; or the refusal. */
export function layerOf(
  { models }: AppState,
  { req }: AppContext,
  parameter: 'index' | 'layer',
): ServedPlan | Response {
  const model = models.get(req.param('digest') ?? '');
  if (model === undefined) return problem('unknown-model');
  const index = req.param(parameter) ?? '';
  const layer = /^(0|[1-9]\d{0,5})$/.test(index) ? model.layers[Number(index)] : undefined;
  if (layer !== undefined) return layer;
  return problem('unknown-layer', {
    expected: `a whole number from 0 to ${model.layers.length - 1}`,
    found: index.slice(0, 20),
  });
}
