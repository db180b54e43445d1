/**
 * Where the elements of a tensor stand among the N slots of one ciphertext. A slot has log2(N) address bits: slot (row, j)
 * is row * N/2 + j, so the highest bit is the row. Each bit is
 *
 * - `data`: one bit of the element's number;
 * - `copy`: whatever it is, the slot holds the same element;
 * - `junk`: only slots with 0 there hold an element; the others hold partial sums that nobody reads.
 */
export interface Placement {
  /** Elements that are placed. */
  readonly count: number;
  /** Role of every address bit, the lowest first. */
  readonly roles: readonly BitRole[];
  /** Address bit of every bit of an element's number, the lowest first. */
  readonly dataBits: readonly number[];
}

/** What an address bit says. */
type BitRole = 'data' | 'copy' | 'junk';

/** Bits that number `count` elements. */
export function bitsFor(count: number): number {
  return count <= 1 ? 0 : Math.ceil(Math.log2(count));
}

/** The number whose bits stand at the address bits of a slot. */
export function gather(slot: number, addressBits: readonly number[]): number {
  return addressBits.reduce((value, bit, index) => value + (((slot >> bit) & 1) << index), 0);
}

/** The element in every slot, -1 for none. */
export function elementsOf({ count, roles, dataBits }: Placement): Int32Array {
  const junk = roles.reduce((mask, role, bit) => (role === 'junk' ? mask + 2 ** bit : mask), 0);
  return Int32Array.from({ length: 2 ** roles.length }, (_, slot) => {
    if ((slot & junk) !== 0) return -1;
    const element = gather(slot, dataBits);
    return element < count ? element : -1;
  });
}

/** How a dense stage is laid out: where the outputs go. */
export interface StageChoice {
  /** Bits of the output's number that go to copies of the input: the lowest ones, to the highest copy bits. */
  readonly copyBits: number;
  /**
   * Where its other bits go: `data`, the lowest bits of the input's number, which the sum frees; `junk`, the lowest junk
   * bits, to which the input is rotated.
   */
  readonly inner: 'data' | 'junk';
  /** Rotations of the input that are shared by all sums, the one by 0 included. */
  readonly babies: number;
}

/** A layout of one stage, as far as it does not depend on weights. */
export interface StageLayout {
  /** Where the outputs stand. */
  readonly output: Placement;
  /** Address bit of every bit of an output's number. */
  readonly outputBits: readonly number[];
  /** Distances from a slot to the inputs that it multiplies, within a row: multiples 0, 1, .. of `stride`. */
  readonly offsets: number;
  /** Slots, negative for rotations to the right. */
  readonly stride: number;
  /** Address bits that are summed over, in order. */
  readonly folds: readonly number[];
}

/** Roles after the sums: a bit that was summed over is a copy where everything above it in its row is the same. */
function rolesAfter(roles: readonly BitRole[], folds: readonly number[]): BitRole[] {
  const result = [...roles];
  const row = roles.length - 1;
  for (const bit of folds) {
    const isCyclic = bit === row || result.slice(bit + 1, row).every((role) => role === 'copy');
    result[bit] = isCyclic ? 'copy' : 'junk';
  }
  return result;
}

/** The layout of the first stage: the client puts the inputs of every output where they are multiplied. */
export function firstLayout(outputs: number, addressBits: number): StageLayout | null {
  const size = bitsFor(outputs);
  if (size > addressBits) return null;
  const dataBits = Array.from({ length: size }, (_, bit) => bit);
  const folds = Array.from({ length: addressBits - size }, (_, index) => addressBits - 1 - index);
  const roles: BitRole[] = Array.from({ length: addressBits }, () => 'data');
  const output = { count: outputs, roles: rolesAfter(roles, folds), dataBits };
  return { output, outputBits: dataBits, offsets: 1, stride: 0, folds };
}

/** The address bits of the inner output bits; null where the input leaves no room for them. */
function innerBits(
  { roles, dataBits }: Placement,
  count: number,
  inner: StageChoice['inner'],
): number[] | null {
  const row = roles.length - 1;
  if (inner === 'data') {
    // A distance below 2^count may carry into every bit above, so that none may be junk.
    const isRoom = roles
      .slice(0, row)
      .every((role, bit) => (bit < count ? role === 'data' : role !== 'junk'));
    return isRoom && count <= dataBits.length ? Array.from({ length: count }, (_, bit) => bit) : null;
  }
  const first = roles.indexOf('junk');
  const isRoom = first >= 0 && roles.slice(first, first + count).every((role) => role === 'junk');
  return isRoom && first + count <= row ? Array.from({ length: count }, (_, bit) => first + bit) : null;
}

/** The layout of a dense stage; null where the choice does not fit the input. */
export function denseLayout(input: Placement, outputs: number, choice: StageChoice): StageLayout | null {
  const { roles } = input;
  const size = bitsFor(outputs);
  const copies = roles.flatMap((role, bit) => (role === 'copy' ? [bit] : [])).reverse();
  if (choice.copyBits > Math.min(size, copies.length)) return null;
  const innerCount = size - choice.copyBits;
  const inner = innerCount === 0 ? [] : innerBits(input, innerCount, choice.inner);
  if (inner === null) return null;
  const chosen = copies.slice(0, choice.copyBits);
  const outputBits = [...chosen, ...inner];
  const folds = input.dataBits.filter((bit) => !inner.includes(bit)).sort((left, right) => right - left);
  const taken = roles.map((role, bit): BitRole => (outputBits.includes(bit) ? 'data' : role));
  const isJunk = choice.inner === 'junk' && innerCount > 0;
  return {
    output: { count: outputs, roles: rolesAfter(taken, folds), dataBits: outputBits },
    outputBits,
    offsets: isJunk ? Math.ceil(outputs / 2 ** choice.copyBits) : 2 ** innerCount,
    stride: isJunk ? -(2 ** (inner[0] ?? 0)) : 1,
    folds,
  };
}
