import type { ViewRules } from '../lowering/viewRules.ts';
import { checkToeplitz } from './checkView.ts';
import { layoutOfView } from './layout.ts';
import type { ToeplitzPlan, ToeplitzView } from './plan.ts';

/** What clients need of the toeplitz lowering. */
export const toeplitzViews: ViewRules<ToeplitzPlan, ToeplitzView> = {
  name: 'toeplitz',
  view: ({ packing, execution }, base) => ({
    ...base,
    lowering: 'toeplitz',
    packing,
    wire: { ...base.wire, upload: execution.upload },
  }),
  checkView: checkToeplitz,
  checkParameters: () => undefined,
  layout: layoutOfView,
  rotates: () => false,
};
