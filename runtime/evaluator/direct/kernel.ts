import { sumsAreExact } from '../../../compiler/toeplitz/direct/lanes.ts';
import type { StepBlock, StepSchedule } from '../../../compiler/toeplitz/direct/steps.ts';
import type { DirectLanes } from '../../../compiler/toeplitz/plan.ts';
import { BitRoom } from '../../wire/packedRun.ts';
import { coefficientCode, residueCode } from '../../wire/coefficients.ts';
import type { Polynomial, PolynomialCode, Positions } from '../../wire/coefficients.ts';
import { makeMemory } from '../../wasm.ts';
import type { WasmMemory } from '../../wasm.ts';
import { LANE_ROWS, PRIME_RECORD_BYTES, STEP_BYTES } from './layout.ts';
import type { DirectLayout } from './layout.ts';
import { demandOf } from './lists.ts';
import type { KernelSource, ListPlace } from './lists.ts';
import type { DirectExports, DirectModule } from './module.ts';

/** A memory that kernels of the same planes share: sets of planes from address 0 on, and where one has everything else. */
export interface SharedRoom {
  readonly memory: WasmMemory<SharedArrayBuffer>;
  readonly ownAt: number;
}

type TilesByWidth = Readonly<Record<1 | 4, ListPlace>>;

/** What travels of the inputs and results of one block group. */
interface Travelling {
  readonly inputs: readonly ListPlace[];
  readonly results: readonly ListPlace[];
}

/** Which ciphertext, and the coefficients of its c0 that travel. */
interface InputPlace {
  readonly group: number;
  readonly chunk: number;
  readonly positions: Positions;
}

const WORD = 8;

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
  /** Whether both polynomials have their place; otherwise the one that is computed has the first. */
  readonly #hasBoth: boolean;
  readonly #everywhere: TilesByWidth;
  /** Tiles over the output positions, by block group. */
  readonly #outputs: readonly TilesByWidth[];
  readonly #travelling: readonly Travelling[];
  readonly #inputWords: readonly [Uint32Array, Uint32Array];
  readonly #memory: ArrayBufferLike;
  readonly #bits: BitRoom;
  /** Of uploads without their low bits: nothing is restored, the words are what travels. */
  readonly #inputCode: PolynomialCode;

  /** @param room default: a memory of its own */
  constructor(module: DirectModule, source: KernelSource, room?: SharedRoom) {
    const { parameters, lanes, schedule, computed, droppedBits } = source;
    const { degree } = parameters;
    const primes = parameters.dataPrimes.map(BigInt);
    this.#degree = degree;
    this.#primeCount = primes.length;
    this.#lanes = lanes;
    this.#schedule = schedule;
    this.#hasBoth = computed === 'both';
    this.#exact = sumsAreExact(primes, lanes, schedule.foldL1, droppedBits);
    const demand = demandOf(source);
    const layout = demand.layout(room?.ownAt);
    const wasmMemory = room?.memory ?? makeMemory(layout.planesBytes + layout.ownBytes);
    const memory = wasmMemory.buffer;
    this.#memory = memory;
    this.layout = layout;
    this.#exports = module.instantiate(wasmMemory);
    const tiles = demand.tiles.write(memory, layout.tiles);
    const positions = demand.positions.write(memory, layout.positions);
    const located = (lists: Readonly<Record<1 | 4, number>>): TilesByWidth => ({
      1: tiles[lists[1]]!,
      4: tiles[lists[4]]!,
    });
    this.#everywhere = located(demand.everywhere);
    this.#outputs = demand.outputs.map(located);
    this.#travelling = demand.travelling.map(({ inputs, results }) => ({
      inputs: inputs.map((list) => positions[list]!),
      results: results.map((list) => positions[list]!),
    }));
    primes.forEach((prime, index) => {
      const view = new DataView(memory, layout.primes + index * PRIME_RECORD_BYTES);
      writePrime(view, prime, lanes, droppedBits);
    });
    schedule.blocks.forEach((block, index) => {
      writeSteps(new DataView(memory, layout.steps[index]), block, layout);
    });
    const halves = 2 * degree * layout.components;
    this.#inputWords = [
      new Uint32Array(memory, layout.words[0], halves),
      new Uint32Array(memory, layout.words[1], halves),
    ];
    this.#bits = new BitRoom(this.#exports, memory, layout.packed, layout.packedBytes);
    const codes = primes.map((prime) => ({ ...coefficientCode(prime, droppedBits), dropped: 0, half: 0n }));
    this.#inputCode = { ...residueCode(primes), codes };
  }

  /** Bytes from the results on to a component of a row of the block. */
  #resultAt(component: number, row: number): number {
    return this.layout.results + (component * LANE_ROWS + row) * this.layout.rowBytes;
  }

  /** Number of a polynomial's first component. */
  #firstComponent(polynomial: Polynomial): number {
    return this.#hasBoth ? polynomial * this.#primeCount : 0;
  }

  /** Where the words of the left (0) and right (1) ciphertext of a plane are to be written: 64-bit words in halves. */
  inputWords(side: 0 | 1): Uint32Array {
    return this.#inputWords[side];
  }

  /**
   * Unpacks c0 as it travels to where `inputWords` of a side are, without what its low bits may have been; coefficients
   * that did not travel are 0.
   * @throws CipherconvError `malformed-tensor`.
   */
  unpackInput(side: 0 | 1, { group, chunk, positions }: InputPlace, bytes: Uint8Array, where: string): void {
    const { at, count } = this.#travelling[group]!.inputs[chunk]!;
    const wordsAt = this.layout.words[side];
    this.#exports.clearBytes(wordsAt, this.#inputWords[side].byteLength);
    const run = { positions, positionsAt: at, count, wordsAt, componentBytes: this.#degree * WORD };
    this.#bits.read(bytes, 0, this.#inputCode, run, where);
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
    const componentWords = this.#degree * WORD;
    const room = this.#degree * WORD;
    // A shift reads that many coefficients further down; past -N nothing is ever used.
    const halo = Math.min(this.#degree, Math.ceil((layout.halo + shift) / 2) * 2);
    for (let component = 0; component < layout.components; component++) {
      const prime = this.#prime(component);
      const [leftWide, rightWide] = layout.wide;
      const from = component * componentWords;
      this.#exports.widen(layout.words[0] + from, leftWide + room, this.#degree, halo, prime);
      if (paired) this.#exports.widen(layout.words[1] + from, rightWide + room, this.#degree, halo, prime);
      const start = room + (halo - layout.halo) * WORD;
      this.#exports.interleave(
        leftWide + start,
        paired ? rightWide + start : leftWide + start - shift * WORD,
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
    const first = this.#firstComponent(polynomial);
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
        this.#resultAt(component, 0),
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
    const first = this.#firstComponent(polynomial);
    return Array.from(
      { length: this.#primeCount },
      (_, prime) => new Uint32Array(this.#memory, this.#resultAt(first + prime, row), 2 * this.#degree),
    );
  }

  /**
   * Packs a polynomial of row number `row` of the block computed last, whose words are used up, into `bytes` from `offset` on: c0 at the output
   * positions of program row `programRow`, c1 everywhere. Returns the offset after it.
   */
  packResult(
    row: number,
    polynomial: Polynomial,
    { group, programRow }: { readonly group: number; readonly programRow: number },
    code: PolynomialCode,
    { bytes, offset }: { readonly bytes: Uint8Array; readonly offset: number },
  ): number {
    const all = { at: 0, count: this.#degree };
    const { at, count } = polynomial === 1 ? all : this.#travelling[group]!.results[programRow]!;
    const wordsAt = this.#resultAt(this.#firstComponent(polynomial), row);
    const componentBytes = LANE_ROWS * this.layout.rowBytes;
    return this.#bits.write(bytes, offset, code, {
      positions: null,
      positionsAt: at,
      count,
      wordsAt,
      componentBytes,
    });
  }
}

/** The constants of one prime as runtime/assembly/directPrime.ts names them. */
function writePrime(view: DataView, prime: bigint, { limbBits, limbs }: DirectLanes, dropped: number): void {
  const span = dropped === 0 ? prime : prime >> BigInt(dropped);
  let bias = 0n;
  for (let limb = 0; limb < limbs; limb++) {
    bias += 1n << BigInt(limbBits * limb + limbBits - 1);
    view.setFloat64(32 + 8 * limb, 2 ** (limbBits * limb), true);
  }
  view.setBigUint64(0, prime, true);
  view.setBigUint64(8, span / 2n, true);
  view.setBigUint64(16, bias, true);
  view.setFloat64(24, 1 / Number(prime), true);
  view.setBigUint64(96, span, true);
  view.setFloat64(104, 2 ** dropped, true);
  view.setInt32(112, dropped, true);
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
