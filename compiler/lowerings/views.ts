import { internalError } from '../base/errors.ts';
import { diagonalsViews } from '../diagonals/views.ts';
import type { ViewRules } from '../lowering/viewRules.ts';
import { toeplitzViews } from '../toeplitz/views.ts';
import type { ClientView, Plan } from './plan.ts';
import type { ToeplitzPlan, ToeplitzView } from '../toeplitz/plan.ts';
import type { DiagonalsPlan, DiagonalsView } from '../diagonals/plan.ts';
import { uploadForm } from './plan.ts';

/** What clients know of every lowering. It reaches no search and no proof, because clients and browsers import it. */
const VIEW_RULES: readonly ViewRules<Plan, ClientView>[] = [toeplitzViews, diagonalsViews];

/** The rules of a plan's or a view's lowering. */
export function viewRules({ lowering }: Pick<Plan | ClientView, 'lowering'>): ViewRules<Plan, ClientView> {
  const rules = VIEW_RULES.find(({ name }) => name === lowering);
  if (rules === undefined) throw internalError(`no lowering is called ${lowering}`);
  return rules;
}

/** The client's part of a plan: weights, biases and analysis left out. */
export function clientView(plan: ToeplitzPlan): ToeplitzView;

export function clientView(plan: DiagonalsPlan): DiagonalsView;

export function clientView(plan: Plan): ClientView;

export function clientView(plan: Plan): ClientView {
  const { lowering, spec, parameters, windows, transfer, wire } = plan;
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth, bits, signed } = spec.weights;
  const weights = { outChannels, channelsPerGroup, kernelHeight, kernelWidth, bits, signed };
  const { name, input, strides, pads, dilations, group } = spec;
  const shape = { name, input, weights, strides, pads, dilations, group };
  const base = {
    lowering,
    shape,
    parameters,
    windows,
    transfer,
    wire: { ...wire, upload: uploadForm(plan) },
  };
  return viewRules(plan).view(plan, base);
}
