import type { StepBlock, StepSchedule } from '../../../compiler/toeplitz/direct/steps.ts';
import type { DirectLanes } from '../../../compiler/toeplitz/plan.ts';

/**
 * Where everything lies in the kernel's memory, in bytes. A component is one polynomial (c0 or c1) under one prime,
 * numbered polynomial by polynomial, of those that the kernel computes; a plane holds one limb of one component of two chunks (or of one, twice), 4 bytes
 * a coefficient, from coefficient -halo to N - 1.
 */
export interface DirectLayout {
  readonly components: number;
  /** Coefficients before coefficient 0, a multiple of 4. */
  readonly halo: number;
  /** One record of constants a prime. */
  readonly primes: number;
  readonly scratch: number;
  /** Words of the two ciphertexts of a plane, all components each. */
  readonly words: readonly [number, number];
  /** Widened polynomials of the two sides: room for N coefficients, then those from -N on. */
  readonly wide: readonly [number, number];
  readonly steps: readonly number[];
  readonly tiles: number;
  /** Lists of coefficient numbers: what travels of uploads and results. */
  readonly positions: number;
  /** One polynomial of a ciphertext as it travels, under all primes. */
  readonly packed: number;
  readonly packedBytes: number;
  /** Words of the rows of one block, component by component. */
  readonly results: number;
  readonly rowBytes: number;
  readonly planeBytes: number;
  readonly limbBytes: number;
  readonly componentBytes: number;
  /** Size of one set of planes. The first begins at address 0; several kernels may share them. */
  readonly planesBytes: number;
  /** Size of everything else. */
  readonly ownBytes: number;
}

export const PRIME_RECORD_BYTES = 128;
export const LANE_ROWS = 4;
const WORD = 8;
const PAIR = 4;
const LINE = 64;
/** Results and planes may be touched this many coefficients past N: a tile need not end there. */
const OVERHANG = 32;

export const STEP_BYTES = { 1: 8, 4: 20 } as const;

function aligned(bytes: number): number {
  return Math.ceil(bytes / LINE) * LINE;
}

/** An odd number of cache lines, so that equal positions of many planes do not fall into one cache set. */
function oddLines(bytes: number): number {
  const lines = Math.ceil(bytes / LINE);
  return (lines % 2 === 0 ? lines + 1 : lines) * LINE;
}

export interface LayoutDemand {
  readonly degree: number;
  readonly primeCount: number;
  /** Polynomials of a ciphertext that are computed: 2, or 1. */
  readonly polynomials: number;
  readonly lanes: DirectLanes;
  readonly schedule: StepSchedule;
  /** 32-bit entries of all tile lists. */
  readonly tileEntries: number;
  /** 32-bit entries of all lists of positions. */
  readonly positionEntries: number;
}

/** @param ownAt where everything but the planes begins; by default right behind them */
export function directLayout(demand: LayoutDemand, ownAt?: number): DirectLayout {
  const { degree, primeCount, polynomials, lanes, schedule, tileEntries, positionEntries } = demand;
  const components = polynomials * primeCount;
  const halo = Math.ceil(schedule.reach / 4) * 4;
  const planeBytes = oddLines((halo + degree) * PAIR);
  const limbBytes = planeBytes * schedule.planes.length;
  const componentBytes = limbBytes * lanes.limbs;
  const planesBytes = aligned(componentBytes * components + OVERHANG * PAIR);
  const first = ownAt ?? planesBytes;
  let end = first;
  const take = (bytes: number): number => {
    const at = end;
    end += aligned(bytes);
    return at;
  };
  const rowBytes = (degree + OVERHANG) * WORD;
  const packedBytes = primeCount * degree * WORD + LINE;
  const ciphertextBytes = components * degree * WORD;
  return {
    components,
    halo,
    primes: take(primeCount * PRIME_RECORD_BYTES),
    scratch: take(lanes.limbs * 2 * LINE),
    words: [take(ciphertextBytes), take(ciphertextBytes)],
    wide: [take(3 * degree * WORD), take(3 * degree * WORD)],
    steps: schedule.blocks.map((block) => take(stepBytes(block))),
    tiles: take(tileEntries * Uint32Array.BYTES_PER_ELEMENT),
    positions: take(positionEntries * Uint32Array.BYTES_PER_ELEMENT),
    packed: take(packedBytes),
    packedBytes,
    results: take(components * LANE_ROWS * rowBytes),
    rowBytes,
    planeBytes,
    limbBytes,
    componentBytes,
    planesBytes,
    ownBytes: end - first,
  };
}

function stepBytes({ width, planes }: StepBlock): number {
  return planes.length * STEP_BYTES[width];
}
