import { CipherconvError } from '../../compiler/base/errors.ts';
import type { DenseTensor } from './values.ts';

/**
 * What a graph from anywhere may take. A small file can ask for much: tensors that are expanded, tiled, padded or resized
 * to any size, windows and products without end. So every step says what it is about to take before it runs, and one meter
 * for a whole inference adds it up. A step that cannot say it does not run.
 */

/** What one inference may take in the clear. */
export interface MeterLimits {
  /** Bytes of all tensors that are there at once, with what a step needs beside them. */
  readonly memoryBytes: number;
  /** Elements that are read and made, weighted, and products: one is about a nanosecond. */
  readonly work: number;
}

/** Sixteen times what ResNet-50 would take if all of it was computed in the clear; a minute or two, and half of what a process has. */
export const CLIENT_GRAPH_LIMITS: MeterLimits = { memoryBytes: 2 ** 31, work: 2 ** 36 };

/** What a step is about to take. */
export interface StepCost {
  /** Shapes of its outputs. */
  readonly outputs: readonly (readonly number[])[];
  /** Tensors of the output's size that it makes on the way, the output among them. */
  readonly copies: number;
  /** Products of the sums that it computes; 0 where it computes none. */
  readonly products: number;
}

/** A step, as far as a meter looks at it. */
export interface MeteredStep {
  /** For messages. */
  readonly name: string;
  /** Operator, for messages. */
  readonly op: string;
  /** What it is about to take; null, or absent, where that is not known. */
  readonly cost?: (inputs: readonly (DenseTensor | null)[]) => StepCost | null;
}

/** Of an element while it is worked on: a double. */
const ELEMENT_BYTES = 8;
/** Work of an element beside products: reading it, a function of it, writing it. */
const ELEMENT_WORK = 16;
/** Work of a step that has nothing to do. */
const STEP_WORK = 2 ** 15;

/** Adds up what one inference takes. */
export class Meter {
  readonly #limits: MeterLimits;
  #work = 0;
  #kept = 0;

  constructor(limits: MeterLimits) {
    this.#limits = limits;
  }

  /** From now on as many bytes are kept for the rest of the inference, by whoever runs graphs. */
  keep(bytes: number): void {
    this.#kept += bytes;
  }

  /**
   * Called before a step runs.
   * @param liveBytes what tensors of the graph hold by now
   * @throws CipherconvError `unsupported` for a step that takes too much, or whose cost is not known; `malformed-model` for
   *   outputs that cannot be
   */
  admit(step: MeteredStep, inputs: readonly (DenseTensor | null)[], liveBytes: number): void {
    const cost = step.cost?.(inputs) ?? null;
    if (cost === null) {
      throw refused(step, {
        message: `not supported yet: ${step.op} in a graph from elsewhere`,
        expected: 'an operator of which it is known before what it takes',
        found: 'another',
      });
    }
    const wrong = cost.outputs.flat().find((extent) => !Number.isSafeInteger(extent) || extent < 0);
    if (wrong !== undefined) {
      throw new CipherconvError({
        code: 'malformed-model',
        where: step.name,
        message: `${step.op}: an output that cannot be`,
        expected: 'extents that are whole numbers',
        found: String(wrong),
      });
    }
    const read = inputs.reduce((sum, input) => sum + (input === null ? 0 : places(input.shape)), 0);
    const made = cost.outputs.reduce((sum, shape) => sum + places(shape), 0);
    const elements = read + cost.copies * made;
    this.#work += STEP_WORK + elements * ELEMENT_WORK + cost.products;
    const bytes = this.#kept + liveBytes + elements * ELEMENT_BYTES;
    const { memoryBytes, work } = this.#limits;
    // Written so that what is no number is refused.
    if (!(bytes <= memoryBytes)) throw tooLarge(step, 'memory', memoryBytes, bytes);
    if (!(this.#work <= work)) throw tooLarge(step, 'work', work, this.#work);
  }
}

/** Elements; an empty axis counts as one, since lists of its other axes' places are made all the same. */
function places(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * Math.max(1, extent), 1);
}

function tooLarge(step: MeteredStep, of: 'memory' | 'work', limit: number, found: number): CipherconvError {
  const unit = of === 'memory' ? 'bytes at once' : 'units, about a nanosecond each';
  return refused(step, {
    message: `${step.op}: too large for a graph from elsewhere`,
    expected: `at most ${limit} ${unit}, all in all`,
    found: found.toPrecision(3),
  });
}

function refused(
  { name }: MeteredStep,
  {
    message,
    expected,
    found,
  }: { readonly message: string; readonly expected: string; readonly found: string },
): CipherconvError {
  return new CipherconvError({ code: 'unsupported', where: name, message, expected, found });
}
