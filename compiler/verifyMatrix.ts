import { CipherconvError } from './errors.ts';
import { centredLift } from './program.ts';
import type { Program } from './program.ts';
import { centredWeights, outputShape } from './spec.ts';
import type { ConvSpec } from './spec.ts';
import { elementCount } from './tensor.ts';

/** Fails with code `plan-rejected`. */
export function reject(where: string, message: string, expected: string, found: string): never {
  throw new CipherconvError({
    code: 'plan-rejected',
    where,
    message,
    expected,
    found,
    hint: 'the plan does not compute its convolution; compile it again',
  });
}

/**
 * Compares the matrix that a program applies with the flattened filter matrix: for every output cell, nothing missing
 * and nothing extra, modulo t; each output exactly once. It reads the program's polynomials and placements, never the
 * packing.
 *
 * For output coefficient n and weight exponent e the product takes input coefficient n - e, modulo N with its sign. What
 * an exponent means does not depend on the weights: so first, once for every chunk, exponent and output slot, the
 * sources of all cells of all block groups are looked up, and the exponent is found to be one kernel tap of one channel
 * or to touch nothing. Then every row's (exponent, value) list adds up to the weights that the row applies.
 *
 * @throws CipherconvError `plan-rejected`
 */
export function verifyMatrix(spec: ConvSpec, program: Program): void {
  checkPlaintexts(program);
  checkInputs(spec, program);
  const slots = outputSlots(spec, program);
  const applied = appliedWeights(spec, program, slots);
  compareWeights(spec, program, applied);
}

const NOTHING = -1;
const UNSENT = -2;

function checkPlaintexts(program: Program): void {
  program.plaintexts.forEach(({ exponents, values }, index) => {
    const where = `program.plaintexts[${index}]`;
    if (exponents.length !== values.length)
      reject(where, 'exponents and values differ in number', String(exponents.length), String(values.length));
    exponents.forEach((exponent, entry) => {
      if (exponent < 0 || exponent >= program.degree || (entry > 0 && exponent <= exponents[entry - 1]!)) {
        reject(
          where,
          'exponents are not ascending below N',
          `ascending, below ${program.degree}`,
          String(exponent),
        );
      }
    });
    if (values.some((value) => centredLift(value, program.plainModulus) === 0))
      reject(where, 'a value is 0 modulo t', 'values not 0', '0');
  });
}

/** Every coefficient in range and used once, every element an element of the input. */
function checkInputs(spec: ConvSpec, program: Program): void {
  const { batch, channels, height, width } = spec.input;
  const elements = elementCount([batch, channels, height, width]);
  const usedBy = new Int32Array(program.degree).fill(NOTHING);
  let ciphertext = 0;
  for (const group of program.blockGroups) {
    for (const placement of group.inputs) {
      placement.coefficients.forEach((coefficient, index) => {
        const element = placement.elements[index]!;
        const fits = coefficient >= 0 && coefficient < program.degree && element >= 0 && element < elements;
        if (!fits || usedBy[coefficient] === ciphertext) {
          reject(
            `input ciphertext ${ciphertext}`,
            'a coefficient is out of range or used twice',
            'a free coefficient',
            String(coefficient),
          );
        }
        usedBy[coefficient] = ciphertext;
      });
      ciphertext++;
    }
  }
}

interface Cell {
  readonly group: number;
  readonly coefficient: number;
  readonly image: number;
  readonly row: number;
  readonly column: number;
}

/** The cells of the outputs at one position of the result rows: the same in every row that has the position. */
type OutputSlot = readonly Cell[];

/**
 * Reads the output placements: each output exactly once, and every row laid out like row 0 with other channels.
 * Row r then holds output channels r * slots .. in slot order.
 */
function outputSlots(spec: ConvSpec, program: Program): OutputSlot[] {
  const output = outputShape(spec);
  const plane = output.height * output.width;
  const seen = new Uint8Array(output.batch * output.channels * plane);
  const slots: Cell[][] = [];
  let firstChannel = 0;
  for (let row = 0; row < program.rows.length; row++) {
    const cursor = new Map<number, number>();
    program.blockGroups.forEach(({ outputs }, group) => {
      const placement = outputs[row]!;
      placement.elements.forEach((element, index) => {
        const coefficient = placement.coefficients[index]!;
        if (
          element < 0 ||
          element >= seen.length ||
          seen[element] === 1 ||
          coefficient < 0 ||
          coefficient >= program.degree
        ) {
          reject(
            `result row ${row}`,
            'an output is out of range or computed twice',
            'each output once',
            `output ${element}`,
          );
        }
        seen[element] = 1;
        const slot = (Math.floor(element / plane) % output.channels) - firstChannel;
        const at = cursor.get(slot) ?? 0;
        cursor.set(slot, at + 1);
        const cell = {
          group,
          coefficient,
          image: Math.floor(element / (plane * output.channels)),
          row: Math.floor((element % plane) / output.width),
          column: element % output.width,
        };
        if (row === 0) (slots[slot] ??= []).push(cell);
        else if (!sameCell(slots[slot]?.[at], cell)) {
          reject(
            `result row ${row}`,
            'outputs are not laid out as in row 0',
            JSON.stringify(slots[slot]?.[at]),
            JSON.stringify(cell),
          );
        }
      });
    });
    cursor.forEach((count, slot) => {
      if (count !== slots[slot]!.length)
        reject(`result row ${row}`, 'outputs are missing', String(slots[slot]!.length), String(count));
    });
    firstChannel += cursor.size;
  }
  const missing = seen.indexOf(0);
  if (missing >= 0)
    reject('result rows', 'an output is never computed', 'each output once', `output ${missing}`);
  return slots;
}

function sameCell(left: Cell | undefined, right: Cell): boolean {
  return (
    left?.group === right.group &&
    left.coefficient === right.coefficient &&
    left.image === right.image &&
    left.row === right.row &&
    left.column === right.column
  );
}

/** What an exponent does to a slot: it reads no element anywhere, or one tap of one input channel everywhere. */
type Source =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'tap';
      readonly channel: number;
      readonly a: number;
      readonly e: number;
      readonly sign: 1 | -1;
    };

/** Weights that the program applies, laid out as `WeightSpec.values`, modulo t. */
function appliedWeights(spec: ConvSpec, program: Program, slots: readonly OutputSlot[]): Float64Array {
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  const applied = new Float64Array(outChannels * channelsPerGroup * kernelHeight * kernelWidth);
  const rowsOfChunk = new Map<number, { row: number; plaintext: number }[]>();
  program.rows.forEach((terms, row) => {
    for (const { chunk, plaintext } of terms) {
      const list = rowsOfChunk.get(chunk) ?? [];
      list.push({ row, plaintext });
      rowsOfChunk.set(chunk, list);
    }
  });
  for (const [chunk, entries] of rowsOfChunk) {
    const sources = new SourceTable(spec, program, chunk, slots);
    for (const { row, plaintext } of entries) {
      const { exponents, values } = program.plaintexts[plaintext]!;
      for (let slot = 0; slot < slots.length; slot++) {
        const output = row * slots.length + slot;
        if (output >= outChannels) break;
        const firstChannel = Math.floor(output / (outChannels / spec.group)) * channelsPerGroup;
        for (let entry = 0; entry < exponents.length; entry++) {
          const source = sources.of(exponents[entry]!, slot);
          if (source.kind === 'nothing') continue;
          const channel = source.channel - firstChannel;
          if (channel < 0 || channel >= channelsPerGroup) {
            reject(
              `result row ${row}`,
              'reads a channel of another group',
              `channels of group ${firstChannel / channelsPerGroup}`,
              String(source.channel),
            );
          }
          const index =
            ((output * channelsPerGroup + channel) * kernelHeight + source.a) * kernelWidth + source.e;
          applied[index] = (applied[index]! + source.sign * values[entry]!) % program.plainModulus;
        }
      }
    }
  }
  return applied;
}

/** Meaning of every exponent of one chunk, found on demand and kept. */
class SourceTable {
  readonly #spec: ConvSpec;
  readonly #degree: number;
  readonly #slots: readonly OutputSlot[];
  /** Per block group: input element at every coefficient, NOTHING, or UNSENT where c0 does not travel. */
  readonly #elements: readonly Int32Array[];
  readonly #known = new Map<number, Source>();

  constructor(spec: ConvSpec, program: Program, chunk: number, slots: readonly OutputSlot[]) {
    this.#spec = spec;
    this.#degree = program.degree;
    this.#slots = slots;
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

  of(exponent: number, slot: number): Source {
    const key = exponent * this.#slots.length + slot;
    let source = this.#known.get(key);
    if (source === undefined) {
      source = this.#find(exponent, this.#slots[slot]!);
      this.#known.set(key, source);
    }
    return source;
  }

  #find(exponent: number, cells: OutputSlot): Source {
    const first = cells.find((cell) => this.#elementAt(cell, exponent) !== NOTHING);
    if (first === undefined) return { kind: 'nothing' };
    const source = this.#tapOf(first, exponent);
    for (const cell of cells) {
      const expected = this.#expected(cell, source);
      const found = this.#elementAt(cell, exponent);
      const sign = cell.coefficient >= exponent ? 1 : -1;
      if (expected !== found || (found !== NOTHING && sign !== source.sign)) {
        reject(
          `exponent ${exponent}`,
          `output (${cell.row}, ${cell.column}) reads the wrong element`,
          `element ${expected}`,
          `element ${found}`,
        );
      }
    }
    return source;
  }

  #elementAt(cell: Cell, exponent: number): number {
    const source = cell.coefficient - exponent;
    const element = this.#elements[cell.group]![source < 0 ? source + this.#degree : source]!;
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

  /** The tap that makes `cell` read the element that the exponent gives it. */
  #tapOf(cell: Cell, exponent: number): Extract<Source, { kind: 'tap' }> {
    const { input, weights, strides, pads, dilations } = this.#spec;
    const element = this.#elementAt(cell, exponent);
    const x = element % input.width;
    const y = Math.floor(element / input.width) % input.height;
    const channel = Math.floor(element / (input.width * input.height)) % input.channels;
    const image = Math.floor(element / (input.width * input.height * input.channels));
    const a = (y + pads[0] - cell.row * strides[0]) / dilations[0];
    const e = (x + pads[1] - cell.column * strides[1]) / dilations[1];
    const isTap =
      Number.isInteger(a) &&
      a >= 0 &&
      a < weights.kernelHeight &&
      Number.isInteger(e) &&
      e >= 0 &&
      e < weights.kernelWidth;
    if (!isTap || image !== cell.image) {
      reject(
        `exponent ${exponent}`,
        `output (${cell.row}, ${cell.column}) reads an element outside its window`,
        'a tap of the kernel',
        `element ${element}`,
      );
    }
    return { kind: 'tap', channel, a, e, sign: cell.coefficient >= exponent ? 1 : -1 };
  }

  /** Element that the tap reads for `cell`, by the definition of the convolution; NOTHING in the padding. */
  #expected(cell: Cell, { channel, a, e }: Extract<Source, { kind: 'tap' }>): number {
    const { input, strides, pads, dilations } = this.#spec;
    const y = cell.row * strides[0] - pads[0] + a * dilations[0];
    const x = cell.column * strides[1] - pads[1] + e * dilations[1];
    if (y < 0 || y >= input.height || x < 0 || x >= input.width) return NOTHING;
    return ((cell.image * input.channels + channel) * input.height + y) * input.width + x;
  }
}

/** Taps of one axis that fall on the image for at least one output. */
function visibleTaps(
  kernel: number,
  dilation: number,
  stride: number,
  pad: number,
  inputSize: number,
  outputSize: number,
): boolean[] {
  return Array.from({ length: kernel }, (_, tap) =>
    Array.from({ length: outputSize }, (__, position) => position * stride - pad + tap * dilation).some(
      (source) => source >= 0 && source < inputSize,
    ),
  );
}

function compareWeights(spec: ConvSpec, program: Program, applied: Float64Array): void {
  const { weights, input, strides, pads, dilations } = spec;
  const output = outputShape(spec);
  const rows = visibleTaps(
    weights.kernelHeight,
    dilations[0],
    strides[0],
    pads[0],
    input.height,
    output.height,
  );
  const columns = visibleTaps(
    weights.kernelWidth,
    dilations[1],
    strides[1],
    pads[1],
    input.width,
    output.width,
  );
  const centred = centredWeights(weights);
  applied.forEach((value, index) => {
    const e = index % weights.kernelWidth;
    const a = Math.floor(index / weights.kernelWidth) % weights.kernelHeight;
    if (rows[a] !== true || columns[e] !== true) return;
    const [wanted, found] = [
      centredLift(centred[index]!, program.plainModulus),
      centredLift(value, program.plainModulus),
    ];
    if (wanted !== found)
      reject(`weights[${index}]`, 'the program applies another weight', String(wanted), String(found));
  });
}
