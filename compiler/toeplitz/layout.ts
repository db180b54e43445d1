import type { Layout } from '../lowering/layout.ts';
import type { SentCiphertexts } from '../lowering/plan.ts';
import { toeplitzLayout } from './packing.ts';
import { buildBlockGroups } from './placement.ts';
import type { BlockGroup, Placement } from './placement.ts';
import type { ToeplitzView } from './plan.ts';
import type { ElementPlaces } from '../lowering/layout.ts';

/** Where the elements of a toeplitz plan stand. */
export function layoutOfView({ shape, packing, parameters, transfer }: ToeplitzView): Layout {
  return layoutOfGroups(buildBlockGroups(shape, toeplitzLayout(shape, packing, parameters.degree)), transfer);
}

/**
 * The layout of block groups: of each group its used chunks, and its rows that are not empty, in order. A program and its
 * parts have the groups already.
 */
export function layoutOfGroups(groups: readonly BlockGroup[], transfer: SentCiphertexts): Layout {
  const empty = new Set(transfer.emptyRows);
  return {
    encoding: 'coefficients',
    uploads: groups.flatMap(({ inputs }) =>
      transfer.usedChunks.map((chunk) => {
        const input = inputs[chunk]!;
        return { ...places(input), travelling: input.read };
      }),
    ),
    results: groups.flatMap(({ outputs }) =>
      outputs
        .filter((_, row) => !empty.has(row))
        .map((output) => ({ ...places(output), travelling: output.coefficients })),
    ),
    zeros: groups.flatMap(({ outputs }) => transfer.emptyRows.map((row) => places(outputs[row]!))),
    keys: null,
  };
}

function places({ coefficients, elements }: Placement): ElementPlaces {
  return { positions: coefficients, elements };
}
