import type { ToeplitzPacking } from '../../compiler/toeplitz/packing.ts';
import type { DiagonalsPacking, RotationSteps } from '../../compiler/diagonals/packing.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { plural } from './planText.ts';

/** How packings read in text. */

export function packingLines(plan: Plan): string[] {
  switch (plan.lowering) {
    case 'toeplitz':
      return toeplitzLines(plan.packing);
    case 'diagonals':
      return diagonalsLines(plan.packing, plan.parameters.degree);
    default:
      return plan satisfies never;
  }
}

function toeplitzLines(packing: ToeplitzPacking): string[] {
  const { phaseFactors, tile, rowPitch, channelPitch } = packing;
  const phases =
    phaseFactors.rows * phaseFactors.columns === 1
      ? []
      : [`space to depth: ${phaseFactors.rows} x ${phaseFactors.columns} phases become channels`];
  return [
    `toeplitz, tiles of ${tile.height} x ${tile.width} outputs`,
    ...phases,
    `row pitch ${rowPitch}, channel pitch ${channelPitch} coefficients`,
    `a ciphertext holds ${plural(packing.channelsPerCiphertext, 'channel')} of ${plural(packing.blocksPerCiphertext, 'tile')}; ` +
      `a product gives ${plural(packing.outputsPerProduct, 'output channel')}`,
  ];
}

function diagonalsLines(
  { rowPitch, planePitch, planesPerRow, period, steps }: DiagonalsPacking,
  degree: number,
): string[] {
  return [
    `diagonals, 2 slot rows of ${degree / 2} in a ciphertext`,
    `row pitch ${rowPitch}, plane pitch ${planePitch} slots, ${plural(planesPerRow, 'plane')} in a slot row`,
    period === null ? 'every input stands once' : `the inputs repeat after ${plural(period, 'plane')}`,
    describeSteps(steps),
  ];
}

function describeSteps(steps: RotationSteps): string {
  switch (steps.kind) {
    case 'rotate-inputs':
      return 'naive: inputs are rotated by every step';
    case 'rotate-results':
      return 'naive: sums of products are rotated by every step';
    case 'baby-giant':
      return `baby-step/giant-step: inputs are rotated within ${steps.size} slots from ${steps.origin} on, sums by multiples of ${steps.size}`;
    default:
      return steps satisfies never;
  }
}
