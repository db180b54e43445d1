import { verifySlots } from '../lowering/checkParameters.ts';
import { keyCount } from '../lowering/plan.ts';
import type { ViewRules } from '../lowering/viewRules.ts';
import { checkDiagonals } from './checkView.ts';
import { layoutOfView } from './layout.ts';
import type { DiagonalsPlan, DiagonalsView } from './plan.ts';

/** What clients need of the diagonals lowering. */
export const diagonalsViews: ViewRules<DiagonalsPlan, DiagonalsView> = {
  name: 'diagonals',
  view: ({ packing, keys }, base) => ({
    ...base,
    lowering: 'diagonals',
    packing,
    // Rotations are SEAL's business: there is nothing to read off a whole upload.
    wire: { ...base.wire, upload: 'seal-seeded' },
    keys,
  }),
  checkView: checkDiagonals,
  checkParameters: ({ degree, plainModulus }) => {
    verifySlots(degree, plainModulus);
  },
  layout: layoutOfView,
  rotates: ({ keys }) => keyCount(keys) > 0,
};
