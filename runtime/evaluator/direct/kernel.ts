import type { BlockGroup } from '../../../compiler/toeplitz/placement.ts';
import { sumsAreExact } from '../../../compiler/toeplitz/direct/lanes.ts';
import type { StepBlock, StepSchedule } from '../../../compiler/toeplitz/direct/steps.ts';
import { directLayout, LANE_ROWS, PRIME_RECORD_BYTES, STEP_BYTES } from './layout.ts';
import type { DirectLayout } from './layout.ts';
import type { DirectExports, DirectModule } from './module.ts';
import { coverAll, coverPositions, TILE_POSITIONS } from './tiles.ts';
import type { Polynomial } from '../../wire/coefficients.ts';
import { makeMemory } from '../../wasm.ts';
import type { WasmMemory } from '../../wasm.ts';
import type { DirectLanes } from '../../../compiler/toeplitz/plan.ts';
import type { Parameters } from '../../../compiler/bfv/parameters.ts';

export interface KernelSource {
  readonly parameters: Parameters;
  readonly lanes: DirectLanes;
  /** Low bits that the digits do without. */
  readonly shift: number;
  readonly schedule: StepSchedule;
  readonly groups: readonly BlockGroup[];
}

/** c1 first: it is computed everywhere, and what is left at the end should be short. */
export const POLYNOMIALS: readonly Polynomial[] = [1, 0];

const TILE_BYTES = Uint32Array.BYTES_PER_ELEMENT;

/** A list of tiles in the kernel's memory. */
interface TileList {
  readonly at: number;
  readonly count: number;
}

type TilesByWidth = Readonly<Record<1 | 4, TileList>>;

/** Collects the tile lists of all block groups; equal ones are stored once. */
class TileLists {
  readonly lists: { readonly entries: Uint32Array; readonly offset: number }[] = [];
  readonly #known = new Map<string, number>();
  entries = 0;

  /** Number of the list in `lists`. */
  add(entries: Uint32Array): number {
    const key = entries.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const index = this.lists.length;
    this.#known.set(key, index);
    this.lists.push({ entries, offset: this.entries });
    this.entries += entries.length;
    return index;
  }
}

/** A memory that kernels of the same planes share: sets of planes from address 0 on, and where one has everything else. */
export interface SharedRoom {
  readonly memory: WasmMemory<SharedArrayBuffer>;
  readonly ownAt: number;
}

/** Tile lists and, from them, the layout. */
interface Demand {
  readonly tiles: TileLists;
  readonly everywhere: Record<1 | 4, number>;
  readonly outputs: readonly Record<1 | 4, number>[];
  readonly layout: (ownAt?: number) => DirectLayout;
}

function demandOf({ parameters, lanes, schedule, groups }: KernelSource): Demand {
  const { degree } = parameters;
  const tiles = new TileLists();
  const everywhere = tileLists(tiles, (width) => coverAll(degree, width));
  const outputs = groups.map((group) => {
    const positions = group.outputs.map(({ coefficients }) => coefficients);
    return tileLists(tiles, (width) => coverPositions(degree, positions, width));
  });
  const primeCount = parameters.dataPrimes.length;
  const demand = { degree, primeCount, lanes, schedule, tileEntries: tiles.entries };
  return { tiles, everywhere, outputs, layout: (ownAt) => directLayout(demand, ownAt) };
}

/** What a kernel takes of a shared memory, bytes: a set of planes once, everything else for each kernel. */
export function kernelBytes(source: KernelSource): { readonly planes: number; readonly own: number } {
  const { planesBytes, ownBytes } = demandOf(source).layout();
  return { planes: planesBytes, own: ownBytes };
}

/**
 * The direct kernel with its memory: everything is laid out once, nothing grows. It computes the words of result
 * ciphertexts from those of input ciphertexts, bit for bit what SEAL's evaluator gives.
 */
export class DirectKernel {
  readonly layout: DirectLayout;
  readonly #exports: DirectExports;
  readonly #degree: number;
  readonly #primeCount: number;
  readonly #lanes: DirectLanes;
  readonly #schedule: StepSchedule;
  /** Whether doubles hold every sum. */
  readonly #exact: boolean;
  readonly #everywhere: TilesByWidth;
  /** Tiles over the output positions, by block group. */
  readonly #outputs: readonly TilesByWidth[];
  readonly #inputWords: readonly [Uint32Array, Uint32Array];
  /** Words of each row of a block: [row][polynomial][prime], halves. */
  readonly #results: readonly (readonly [readonly Uint32Array[], readonly Uint32Array[]])[];

  /** @param room default: a memory of its own */
  constructor(module: DirectModule, source: KernelSource, room?: SharedRoom) {
    const { parameters, lanes, schedule } = source;
    const { degree } = parameters;
    const primes = parameters.dataPrimes.map(BigInt);
    this.#degree = degree;
    this.#primeCount = primes.length;
    this.#lanes = lanes;
    this.#schedule = schedule;
    this.#exact = sumsAreExact(primes, lanes, schedule.foldL1, source.shift);
    const { tiles, everywhere, outputs, layout: layOut } = demandOf(source);
    const layout = layOut(room?.ownAt);
    const wasmMemory = room?.memory ?? makeMemory(layout.planesBytes + layout.ownBytes);
    const memory = wasmMemory.buffer;
    this.layout = layout;
    this.#exports = module.instantiate(wasmMemory);
    const located = tiles.lists.map(({ entries, offset }): TileList => {
      const at = layout.tiles + offset * TILE_BYTES;
      new Uint32Array(memory, at, entries.length).set(entries);
      return { at, count: entries.length };
    });
    const locate = (lists: Record<1 | 4, number>): TilesByWidth => ({
      1: located[lists[1]]!,
      4: located[lists[4]]!,
    });
    this.#everywhere = locate(everywhere);
    this.#outputs = outputs.map(locate);
    primes.forEach((prime, index) => {
      writePrime(new DataView(memory, layout.primes + index * PRIME_RECORD_BYTES), prime, lanes);
    });
    schedule.blocks.forEach((block, index) => {
      writeSteps(new DataView(memory, layout.steps[index]), block, layout);
    });
    const halves = 2 * degree * layout.components;
    this.#inputWords = [
      new Uint32Array(memory, layout.words[0], halves),
      new Uint32Array(memory, layout.words[1], halves),
    ];
    const wordsOf = (row: number, polynomial: Polynomial): Uint32Array[] =>
      primes.map((_, prime) => {
        const component = polynomial * primes.length + prime;
        return new Uint32Array(memory, layout.results + this.#resultAt(component, row), 2 * degree);
      });
    this.#results = Array.from({ length: LANE_ROWS }, (_, row) => [wordsOf(row, 0), wordsOf(row, 1)]);
  }

  /** Bytes from the results on to a component of a row of the block. */
  #resultAt(component: number, row: number): number {
    return (component * LANE_ROWS + row) * this.layout.rowBytes;
  }

  /** Where the words of the left (0) and right (1) ciphertext of a plane are to be written: 64-bit words in halves. */
  inputWords(side: 0 | 1): Uint32Array {
    return this.#inputWords[side];
  }

  /**
   * Splits what was written to `inputWords` into the digits of plane number `plane`.
   * @param set which of the sets of planes, where a shared memory holds several
   */
  loadPlane(plane: number, set = 0): void {
    const { layout } = this;
    const chunks = this.#schedule.planes[plane]!;
    const paired = chunks.kind === 'pair';
    const shift = paired ? 0 : chunks.shift;
    const componentWords = this.#degree * 8;
    const room = this.#degree * 8;
    // A shift reads that many coefficients further down; past -N nothing is ever used.
    const halo = Math.min(this.#degree, Math.ceil((layout.halo + shift) / 2) * 2);
    for (let component = 0; component < layout.components; component++) {
      const prime = this.#prime(component);
      const [leftWide, rightWide] = layout.wide;
      const from = component * componentWords;
      this.#exports.widen(layout.words[0] + from, leftWide + room, this.#degree, halo, prime);
      if (paired) this.#exports.widen(layout.words[1] + from, rightWide + room, this.#degree, halo, prime);
      const start = room + (halo - layout.halo) * 8;
      this.#exports.interleave(
        leftWide + start,
        paired ? rightWide + start : leftWide + start - shift * 8,
        this.#planesAt(set, component) + plane * layout.planeBytes,
        layout.limbBytes,
        layout.halo + this.#degree,
        this.#lanes.limbBits,
        this.#lanes.limbs,
      );
    }
  }

  #prime(component: number): number {
    return this.layout.primes + (component % this.#primeCount) * PRIME_RECORD_BYTES;
  }

  #planesAt(set: number, component: number): number {
    const { planesBytes, componentBytes } = this.layout;
    return set * planesBytes + component * componentBytes;
  }

  /**
   * Computes one polynomial of the rows of a block for block group `group` from a set of planes: c1 everywhere, c0 at the
   * output positions and some neighbours; what stands elsewhere is not defined.
   */
  runBlock(block: number, group: number, polynomial: Polynomial, set = 0): void {
    const { width } = this.#schedule.blocks[block]!;
    const tiles = polynomial === 0 ? this.#outputs[group]! : this.#everywhere;
    const { at, count } = tiles[width];
    if (count === 0) return;
    const first = polynomial * this.#primeCount;
    for (let prime = 0; prime < this.#primeCount; prime++)
      this.#runTiles(block, first + prime, set, at, count);
  }

  /** One block at `count` tiles, fold by fold. */
  #runTiles(index: number, component: number, set: number, tiles: number, count: number): void {
    const { layout } = this;
    const { width, foldEnds } = this.#schedule.blocks[index]!;
    const run = width === LANE_ROWS ? this.#exports.rows4 : this.#exports.rows1;
    const stepBytes = STEP_BYTES[width];
    let first = 0;
    for (const end of foldEnds) {
      run(
        this.#planesAt(set, component),
        layout.limbBytes,
        this.#lanes.limbs,
        this.#lanes.limbBits,
        layout.steps[index]! + first * stepBytes,
        end - first,
        tiles,
        count,
        layout.results + this.#resultAt(component, 0),
        layout.rowBytes,
        layout.scratch,
        this.#prime(component),
        this.#exact,
        first > 0,
      );
      first = end;
    }
  }

  /**
   * Words of a polynomial of row number `row` of the block computed last: under each prime, 64-bit words in halves, valid
   * until the next.
   */
  resultWords(row: number, polynomial: Polynomial): readonly Uint32Array[] {
    return this.#results[row]![polynomial];
  }
}

function tileLists(lists: TileLists, make: (width: number) => Uint32Array): Record<1 | 4, number> {
  return { 1: lists.add(make(TILE_POSITIONS[1])), 4: lists.add(make(TILE_POSITIONS[4])) };
}

/** The constants of one prime as runtime/assembly/direct.ts reads them. */
function writePrime(view: DataView, prime: bigint, { limbBits, limbs }: DirectLanes): void {
  let bias = 0n;
  for (let limb = 0; limb < limbs; limb++) {
    bias += 1n << BigInt(limbBits * limb + limbBits - 1);
    view.setFloat64(32 + 8 * limb, 2 ** (limbBits * limb), true);
  }
  view.setBigUint64(0, prime, true);
  view.setBigUint64(8, prime / 2n, true);
  view.setBigUint64(16, bias, true);
  view.setFloat64(24, 1 / Number(prime), true);
  view.setFloat64(120, Number(prime), true);
}

/** Steps as the kernel reads them: a byte offset from position 0, then a pair of 16-bit weights for each row. */
function writeSteps(view: DataView, block: StepBlock, layout: DirectLayout): void {
  const { planes, exponents, weights, width } = block;
  for (let step = 0; step < planes.length; step++) {
    const at = step * STEP_BYTES[width];
    view.setUint32(at, planes[step]! * layout.planeBytes + 4 * (layout.halo - exponents[step]!), true);
    for (let index = 0; index < 2 * width; index++)
      view.setInt16(at + 4 + 2 * index, weights[step * 2 * width + index]!, true);
  }
}
