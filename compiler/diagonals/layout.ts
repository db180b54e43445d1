import type { CiphertextPlaces, ElementPlaces, Layout } from '../lowering/layout.ts';
import { keyCount } from '../lowering/plan.ts';
import { inputSlots, resultSlots, slotGeometry } from './packing.ts';
import type { SlotPlacement } from './packing.ts';
import type { DiagonalsView } from './plan.ts';

/** Where the elements of a diagonals plan stand. Every coefficient travels, because a slot depends on all of them. */
export function layoutOfView({ shape, packing, parameters, transfer, keys }: DiagonalsView): Layout {
  const geometry = slotGeometry(shape, { ...packing, degree: parameters.degree });
  const inputs = inputSlots(geometry);
  const results = resultSlots(geometry);
  const empty = new Set(transfer.emptyRows);
  return {
    encoding: 'slots',
    uploads: transfer.usedChunks.map((input) => whole(inputs[input]!)),
    results: results.filter((_, row) => !empty.has(row)).map(whole),
    zeros: transfer.emptyRows.map((row) => places(results[row]!)),
    keys: keyCount(keys) === 0 ? null : keys,
  };
}

function places({ slots, elements }: SlotPlacement): ElementPlaces {
  return { positions: slots, elements };
}

function whole(placement: SlotPlacement): CiphertextPlaces {
  return { ...places(placement), travelling: null };
}
