import type { DirectLanes } from '../../../compiler/toeplitz/plan.ts';
import type { BlockGroup } from '../../../compiler/toeplitz/placement.ts';
import type { StepSchedule } from '../../../compiler/toeplitz/direct/steps.ts';
import type { Parameters } from '../../../compiler/bfv/parameters.ts';
import type { Polynomial } from '../../wire/coefficients.ts';
import { directLayout } from './layout.ts';
import type { DirectLayout } from './layout.ts';
import { coverAll, coverPositions, TILE_POSITIONS } from './tiles.ts';

/** What of a ciphertext a kernel computes: both polynomials (c1 everywhere, c0 at the outputs), or one of the two. */
export type Computed = 'both' | 'c0' | 'c1';

/** Polynomials in the order of the work: c1 first, because it takes longest and what is left at the end should be short. */
export const POLYNOMIALS: Readonly<Record<Computed, readonly Polynomial[]>> = {
  both: [1, 0],
  c0: [0],
  c1: [1],
};

export interface KernelSource {
  readonly parameters: Parameters;
  readonly lanes: DirectLanes;
  readonly schedule: StepSchedule;
  readonly groups: readonly BlockGroup[];
  readonly computed: Computed;
  /** Low bits d that the numbers in the planes have lost: they are the coefficients divided by 2^d, rounded. */
  readonly droppedBits: number;
}

/** A list of numbers in the kernel's memory, 32 bits each. */
export interface ListPlace {
  readonly at: number;
  readonly count: number;
}

/** Lists of numbers for the kernel's memory; equal ones are stored once. */
class NumberLists {
  readonly lists: { readonly entries: Uint32Array | Int32Array; readonly offset: number }[] = [];
  readonly #byLength = new Map<number, number[]>();
  entries = 0;

  /** Number of the list in `lists`. */
  add(entries: Uint32Array | Int32Array): number {
    const alike = this.#byLength.get(entries.length) ?? [];
    this.#byLength.set(entries.length, alike);
    const known = alike.find((index) => isEqual(this.lists[index]!.entries, entries));
    if (known !== undefined) return known;
    const index = this.lists.length;
    alike.push(index);
    this.lists.push({ entries, offset: this.entries });
    this.entries += entries.length;
    return index;
  }

  /** Writes all lists from an address on. */
  write(memory: ArrayBufferLike, from: number): ListPlace[] {
    return this.lists.map(({ entries, offset }) => {
      const at = from + offset * Uint32Array.BYTES_PER_ELEMENT;
      new Uint32Array(memory, at, entries.length).set(entries);
      return { at, count: entries.length };
    });
  }
}

function isEqual(left: ArrayLike<number>, right: ArrayLike<number>): boolean {
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

type ByWidth<T> = Readonly<Record<1 | 4, T>>;

/** Lists of the tiles and of what travels, by their numbers, and the layout that follows. */
export interface Demand {
  readonly tiles: NumberLists;
  readonly positions: NumberLists;
  readonly everywhere: ByWidth<number>;
  /** Of each block group: tiles over its output positions. */
  readonly outputs: readonly ByWidth<number>[];
  /** Of each block group: what travels of each input, and of the result of each program row. */
  readonly travelling: readonly { readonly inputs: readonly number[]; readonly results: readonly number[] }[];
  readonly layout: (ownAt?: number) => DirectLayout;
}

export function demandOf({ parameters, lanes, schedule, groups, computed }: KernelSource): Demand {
  const { degree } = parameters;
  const tiles = new NumberLists();
  const positions = new NumberLists();
  const everywhere = tileLists(tiles, (width) => coverAll(degree, width));
  const outputs = groups.map((group) => {
    const lists = group.outputs.map(({ coefficients }) => coefficients);
    return tileLists(tiles, (width) => coverPositions(degree, lists, width));
  });
  const travelling = groups.map((group) => ({
    inputs: group.inputs.map(({ read }) => positions.add(read)),
    results: group.outputs.map(({ coefficients }) => positions.add(coefficients)),
  }));
  const demand = {
    degree,
    primeCount: parameters.dataPrimes.length,
    polynomials: POLYNOMIALS[computed].length,
    lanes,
    schedule,
    tileEntries: tiles.entries,
    positionEntries: positions.entries,
  };
  const layout = (ownAt?: number): DirectLayout => directLayout(demand, ownAt);
  return { tiles, positions, everywhere, outputs, travelling, layout };
}

function tileLists(lists: NumberLists, make: (width: number) => Uint32Array): ByWidth<number> {
  return { 1: lists.add(make(TILE_POSITIONS[1])), 4: lists.add(make(TILE_POSITIONS[4])) };
}

/** What a kernel takes of a shared memory, bytes: a set of planes once, everything else for each kernel. */
export function kernelBytes(source: KernelSource): { readonly planes: number; readonly own: number } {
  const { planesBytes, ownBytes } = demandOf(source).layout();
  return { planes: planesBytes, own: ownBytes };
}
