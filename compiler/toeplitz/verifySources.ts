import type { ConvSpec } from '../convolution/spec.ts';
import type { OutputCells } from './verifyOutputs.ts';
import { reject } from '../base/reject.ts';
import type { ToeplitzProgram } from './program.ts';

const NOTHING = -1;
const UNSENT = -2;

/** An exponent that reads one tap of one input channel, for every cell. */
export interface SourceTap {
  readonly kind: 'tap';
  readonly channel: number;
  readonly kernelRow: number;
  readonly kernelColumn: number;
  readonly sign: 1 | -1;
}

/** What an exponent does to the cells of an output: it reads no element anywhere, or one tap everywhere. */
export type Source = { readonly kind: 'nothing' } | SourceTap;

/** Sources by number. */
interface SourceCache {
  get(key: number): Source | undefined;
  set(key: number, source: Source): void;
}

/** More keys than this are kept in a map, which is slower and grows only with those that are used. */
const MOST_ENTRIES = 2 ** 20;

/** Looked into once for every weight of a plan, so an array is worth its room. */
function sourceCache(keys: number): SourceCache {
  if (keys > MOST_ENTRIES) {
    const known = new Map<number, Source>();
    return { get: (key) => known.get(key), set: (key, source) => void known.set(key, source) };
  }
  const known = new Array<Source | undefined>(keys);
  return {
    get: (key) => known[key],
    set: (key, source) => {
      known[key] = source;
    },
  };
}

/** Meaning of every exponent of one chunk, found on demand and kept. */
export class SourceTable {
  readonly #spec: ConvSpec;
  readonly #degree: number;
  readonly #outputs: readonly OutputCells[];
  /** Per block group: input element at every coefficient, NOTHING, or UNSENT where c0 does not travel. */
  readonly #elements: readonly Int32Array[];
  /** By exponent and output in the product. */
  readonly #known: SourceCache;

  constructor(spec: ConvSpec, program: ToeplitzProgram, chunk: number, outputs: readonly OutputCells[]) {
    this.#spec = spec;
    this.#degree = program.degree;
    this.#outputs = outputs;
    this.#known = sourceCache(program.degree * outputs.length);
    this.#elements = program.blockGroups.map(({ inputs }) => {
      const map = new Int32Array(program.degree).fill(UNSENT);
      const placement = inputs[chunk]!;
      for (const coefficient of placement.read) map[coefficient] = NOTHING;
      placement.coefficients.forEach((coefficient, index) => {
        if (map[coefficient] !== UNSENT) map[coefficient] = placement.elements[index]!;
      });
      return map;
    });
  }

  of(exponent: number, outputInProduct: number): Source {
    const key = exponent * this.#outputs.length + outputInProduct;
    let source = this.#known.get(key);
    if (source === undefined) {
      source = this.#find(exponent, this.#outputs[outputInProduct]!);
      this.#known.set(key, source);
    }
    return source;
  }

  #find(exponent: number, cells: OutputCells): Source {
    const count = cells.coefficients.length;
    let first = 0;
    while (first < count && this.#elementAt(cells, first, exponent) === NOTHING) first++;
    if (first === count) return { kind: 'nothing' };
    const source = this.#tapOf(cells, first, exponent);
    this.#checkCells(cells, exponent, source);
    return source;
  }

  /** Every cell reads what the tap reads by the definition of the convolution, with the same sign. */
  #checkCells(cells: OutputCells, exponent: number, source: SourceTap): void {
    const { input, strides, pads, dilations } = this.#spec;
    const { rows, columns, images, coefficients } = cells;
    const [strideY, strideX] = strides;
    const offsetY = source.kernelRow * dilations[0] - pads[0];
    const offsetX = source.kernelColumn * dilations[1] - pads[1];
    const { channels, height, width } = input;
    for (let cell = 0; cell < coefficients.length; cell++) {
      const y = rows[cell]! * strideY + offsetY;
      const x = columns[cell]! * strideX + offsetX;
      const onImage = y >= 0 && y < height && x >= 0 && x < width;
      const expected = onImage
        ? ((images[cell]! * channels + source.channel) * height + y) * width + x
        : NOTHING;
      const found = this.#elementAt(cells, cell, exponent);
      const signFits = found === NOTHING || coefficients[cell]! >= exponent === (source.sign === 1);
      if (expected !== found || !signFits) {
        reject(
          `exponent ${exponent}`,
          `output (${rows[cell]}, ${columns[cell]}) reads the wrong element`,
          `element ${expected}`,
          `element ${found}`,
        );
      }
    }
  }

  #elementAt(cells: OutputCells, cell: number, exponent: number): number {
    const source = cells.coefficients[cell]! - exponent;
    const element = this.#elements[cells.groups[cell]!]![source < 0 ? source + this.#degree : source]!;
    if (element === UNSENT) {
      reject(
        `exponent ${exponent}`,
        'an output reads a coefficient that does not travel',
        'a coefficient sent',
        String(source),
      );
    }
    return element;
  }

  /** The tap that makes the cell read the element that the exponent gives it. */
  #tapOf(cells: OutputCells, cell: number, exponent: number): SourceTap {
    const { input, weights, strides, pads, dilations } = this.#spec;
    const element = this.#elementAt(cells, cell, exponent);
    const [row, column] = [cells.rows[cell]!, cells.columns[cell]!];
    const x = element % input.width;
    const y = Math.floor(element / input.width) % input.height;
    const channel = Math.floor(element / (input.width * input.height)) % input.channels;
    const image = Math.floor(element / (input.width * input.height * input.channels));
    const kernelRow = (y + pads[0] - row * strides[0]) / dilations[0];
    const kernelColumn = (x + pads[1] - column * strides[1]) / dilations[1];
    const isTap =
      Number.isInteger(kernelRow) &&
      kernelRow >= 0 &&
      kernelRow < weights.kernelHeight &&
      Number.isInteger(kernelColumn) &&
      kernelColumn >= 0 &&
      kernelColumn < weights.kernelWidth;
    if (!isTap || image !== cells.images[cell]) {
      reject(
        `exponent ${exponent}`,
        `output (${row}, ${column}) reads an element outside its window`,
        'a tap of the kernel',
        `element ${element}`,
      );
    }
    return {
      kind: 'tap',
      channel,
      kernelRow,
      kernelColumn,
      sign: cells.coefficients[cell]! >= exponent ? 1 : -1,
    };
  }
}
