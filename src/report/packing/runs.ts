import type { ElementPlaces } from '../../../compiler/lowering/layout.ts';

/**
 * Equally spaced elements at equally spaced positions, `length` of them: element `element + k * elementStep` at position
 * `position + k * positionStep`. A row of pixels is one run, whatever the size of the picture.
 */
export interface PlaceRun {
  /** Coefficient or slot of the first element. */
  readonly position: number;
  /** Positions from one element to the next; 0 for a single one. */
  readonly positionStep: number;
  /** Flat NCHW index of the first element. */
  readonly element: number;
  /** Elements from one to the next; 0 for a single one. */
  readonly elementStep: number;
  /** How many, at least 1. */
  readonly length: number;
}

/** The places of one ciphertext as runs, in their order. Nothing is left out. */
export function placeRuns({ positions, elements }: ElementPlaces): PlaceRun[] {
  const runs: PlaceRun[] = [];
  let start = 0;
  while (start < positions.length) {
    const positionStep = (positions[start + 1] ?? positions[start]!) - positions[start]!;
    const elementStep = (elements[start + 1] ?? elements[start]!) - elements[start]!;
    let end = start + 1;
    const goesOn = (at: number): boolean =>
      positionStep === positions[at]! - positions[at - 1]! &&
      elementStep === elements[at]! - elements[at - 1]!;
    while (end < positions.length && goesOn(end)) end++;
    runs.push({
      position: positions[start]!,
      positionStep: end - start > 1 ? positionStep : 0,
      element: elements[start]!,
      elementStep: end - start > 1 ? elementStep : 0,
      length: end - start,
    });
    start = end;
  }
  return runs;
}

/** Neighbouring numbers of an ascending list. */
export interface NumberRun {
  /** The first. */
  readonly first: number;
  /** How many, at least 1. */
  readonly length: number;
}

/** An ascending list as runs of neighbours. */
export function numberRuns(numbers: Iterable<number>): NumberRun[] {
  const runs: { first: number; length: number }[] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && number === last.first + last.length) last.length++;
    else runs.push({ first: number, length: 1 });
  }
  return runs;
}
