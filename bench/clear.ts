/**
 * `npm run bench:clear [-- SCALE]`: the tables of the tutorials again, on this machine. Each way of computing a
 * convolution in the clear, on the tutorials' two layers with quantized numbers: medians, and ratios to the faster of
 * the loops and to onnxruntime-web on one thread. All ways run once a round, so that drift hits all alike. Every result
 * is compared with the loops; exit 1 when one differs or an expectation does not hold.
 */
import { makeSpec } from '../compiler/convolution/spec.ts';
import type { ConvSpec } from '../compiler/convolution/spec.ts';
import { makeTensor } from '../compiler/base/tensor.ts';
import type { Tensor } from '../compiler/base/tensor.ts';
import { EXECUTORS } from '../runtime/clear/executors.ts';
import { convolve } from '../runtime/clear/loops.ts';
import { compareTensors } from '../runtime/clear/compare.ts';
import { loadOrt, PACKAGE, VERSION } from '../src/model/ort.ts';
import { ORT_NAMES, ortConvolutions } from '../src/bench/onnxruntime.ts';
import { median } from '../src/bench/rawOperations.ts';

interface Layer {
  readonly title: string;
  readonly batch: number;
  readonly kernel: number;
  readonly filters: number;
  readonly bits: number;
  readonly rounds: number;
}

/** 32x32x3 inputs, no pads; the small layer gets more rounds because one is short. */
const LAYERS: readonly Layer[] = [8, 4].flatMap((bits) => [
  { title: '100x32x32x3 with 3x3x3x16', batch: 100, kernel: 3, filters: 16, bits, rounds: 15 },
  { title: '32x32x3 with 5x5x3x4', batch: 1, kernel: 5, filters: 4, bits, rounds: 200 },
]);

const WARM_UP = 3;
const LARGEST_RATIO = 5;

interface Way {
  readonly name: string;
  readonly run: () => ArrayLike<number> | Promise<ArrayLike<number>>;
  readonly release?: () => Promise<void>;
}

interface Row {
  readonly name: string;
  readonly milliseconds: number;
  readonly isEqual: boolean;
}

/** Signed weights of a fixed generator. */
function layerSpec({ title, kernel, filters, batch, bits }: Layer): ConvSpec {
  const count = filters * 3 * kernel * kernel;
  const levels = 2 ** bits;
  return makeSpec({
    name: title,
    input: {
      batch,
      channels: 3,
      height: 32,
      width: 32,
      bits,
      signed: false,
      zeroPoint: 0,
      range: { lo: 0, hi: levels - 1 },
    },
    weights: {
      outChannels: filters,
      channelsPerGroup: 3,
      kernelHeight: kernel,
      kernelWidth: kernel,
      bits,
      signed: true,
      zeroPoints: new Array<number>(filters).fill(0),
      values: Array.from({ length: count }, (_, index) => ((index * 7919) % levels) - levels / 2),
    },
    bias: new Array<number>(filters).fill(0),
    strides: [1, 1],
    pads: [0, 0, 0, 0],
    dilations: [1, 1],
    group: 1,
    accumulator: null,
  });
}

/** A fixed input over the whole range, NCHW. */
function layerInput({ input }: ConvSpec): Tensor {
  const shape = [input.batch, input.channels, input.height, input.width];
  const count = input.batch * input.channels * input.height * input.width;
  const data = Float64Array.from({ length: count }, (_, index) => (index * 7919) % (input.range.hi + 1));
  return { shape, data };
}

/** Times every way `rounds` times and checks what it computes. */
async function measure(ways: readonly Way[], rounds: number, expected: Tensor): Promise<Row[]> {
  const times = ways.map((): number[] => []);
  const equal = ways.map(() => true);
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [index, way] of ways.entries()) {
      const start = performance.now();
      const output = await way.run();
      const elapsed = performance.now() - start;
      if (round >= 0) times[index]!.push(elapsed);
      if (round === 0) equal[index] = compareTensors(expected, makeTensor(expected.shape, output)).match;
    }
  }
  return ways.map(({ name }, index) => ({
    name,
    milliseconds: median(times[index]!),
    isEqual: equal[index]!,
  }));
}

/** Milliseconds of the fastest of the named ways. */
function fastest(rows: readonly Row[], ...names: string[]): number {
  return Math.min(...rows.filter(({ name }) => names.includes(name)).map(({ milliseconds }) => milliseconds));
}

/** Ratios: how many times faster than the loops, and how many times slower than onnxruntime's float Conv. */
function printTable(rows: readonly Row[]): void {
  const loops = fastest(rows, 'loops', 'loopsNhwc');
  const ort = fastest(rows, ORT_NAMES.float);
  console.log('way                                ms  loops / it  it / ort Conv  equal');
  for (const { name, milliseconds, isEqual } of rows) {
    const cells = [
      name.padEnd(27),
      milliseconds.toFixed(2).padStart(9),
      `${(loops / milliseconds).toFixed(2)}x`.padStart(11),
      (Number.isFinite(ort) ? `${(milliseconds / ort).toFixed(2)}x` : '-').padStart(14),
      (isEqual ? 'yes' : 'NO').padStart(6),
    ];
    console.log(cells.join(' '));
  }
}

/**
 * What must hold on the large layer. The limit is set against the float Conv, the tutorials' operator; ConvInteger, the
 * same arithmetic as ours and the faster one, is printed beside it and decides nothing.
 */
function verdict(rows: readonly Row[]): boolean {
  const best = fastest(rows, 'taps', 'im2col');
  const loops = fastest(rows, 'loops', 'loopsNhwc');
  const ort = fastest(rows, ORT_NAMES.float);
  const beatsLoops = best < loops;
  console.log(
    `best of taps and im2col beats the loops: ${beatsLoops ? 'yes' : 'NO'}, ${(loops / best).toFixed(2)}x`,
  );
  if (!Number.isFinite(ort)) return beatsLoops;
  const isNear = best <= LARGEST_RATIO * ort;
  const toInteger = best / fastest(rows, ORT_NAMES.integer);
  console.log(
    `and is within ${LARGEST_RATIO}x of onnxruntime-web Conv: ${isNear ? 'yes' : 'NO'}, ${(best / ort).toFixed(2)}x`,
  );
  console.log(`to onnxruntime-web ConvInteger: ${toInteger.toFixed(2)}x`);
  return beatsLoops && isNear;
}

const [argument] = process.argv.slice(2);
const scale = argument === undefined ? 1 : Number(argument);
if (!(scale > 0)) {
  console.error('usage: npm run bench:clear [-- SCALE], a positive number that multiplies the rounds');
  process.exit(2);
}
const ort = await loadOrt();
if (ort === null) {
  console.log(
    `${PACKAGE} is not installed: its rows are left out. To have them: npm install --no-save ${PACKAGE}@${VERSION}`,
  );
}
console.log(`Node ${process.versions.node}, V8 ${process.versions.v8}, one thread; milliseconds, medians`);
for (const layer of LAYERS) {
  const spec = layerSpec(layer);
  const input = layerInput(spec);
  const own: Way[] = Object.entries(EXECUTORS).map(([name, execute]) => ({
    name,
    run: () => execute(spec, input).data,
  }));
  const theirs = ort === null ? [] : await ortConvolutions(ort, spec, input);
  const rows = await measure([...own, ...theirs], Math.ceil(layer.rounds * scale), convolve(spec, input));
  for (const { release } of theirs) await release();
  console.log(`\n${layer.title}, ${layer.bits}-bit inputs and weights`);
  printTable(rows);
  if (rows.some(({ isEqual }) => !isEqual)) process.exitCode = 1;
  if (layer.batch > 1 && !verdict(rows)) process.exitCode = 1;
}
