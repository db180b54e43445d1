/** How much a chain of folds lets noise grow whose coefficients are independent and alike; factors on the deviation. */
export interface FoldGain {
  /** In the coefficient that grows most. */
  readonly peak: number;
  /** In the root of the mean square over all coefficients. */
  readonly rms: number;
}

/** The automorphism X -> X^g of a rotation by `step`; of the exchange of rows for step 0. */
function automorphism(degree: number, step: number): number {
  if (step === 0) return 2 * degree - 1;
  let element = 1;
  for (let count = 0; count < step; count++) element = (3 * element) % (2 * degree);
  return element;
}

/**
 * Sum of the squared factors of coefficient `index` after the folds. Coefficient i of f(X^g) is that of f at i / g, with
 * a sign where the exponent wraps; which elements of the group are inverted does not matter, as it is a group.
 */
function squareAt(index: number, elements: readonly number[], degree: number): number {
  const factors = new Map<number, number>();
  for (let subset = 0; subset < 2 ** elements.length; subset++) {
    let exponent = index;
    elements.forEach((element, which) => {
      if ((subset >> which) & 1) exponent = (exponent * element) % (2 * degree);
    });
    const at = exponent % degree;
    factors.set(at, (factors.get(at) ?? 0) + (exponent >= degree ? -1 : 1));
  }
  return [...factors.values()].reduce((sum, factor) => sum + factor * factor, 0);
}

/**
 * Exact. The group of automorphisms is commutative and takes every coefficient to any other with the same power of two
 * in its number, so one of each class is enough.
 */
export function foldGain(degree: number, steps: readonly number[]): FoldGain {
  const elements = steps.map((step) => automorphism(degree, step));
  let [peak, total] = [squareAt(0, elements, degree), squareAt(0, elements, degree)];
  for (let index = 1; index < degree; index *= 2) {
    const square = squareAt(index, elements, degree);
    peak = Math.max(peak, square);
    total += (square * degree) / (2 * index);
  }
  return { peak: Math.sqrt(peak), rms: Math.sqrt(total / degree) };
}
