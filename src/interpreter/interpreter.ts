import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Meter, MeteredStep } from './meter.ts';
import type { DenseTensor } from './values.ts';

/**
 * Runs a graph in the clear, step by step, with our own arithmetic: what a client computes between encrypted layers, and
 * the whole network that an encrypted run is compared with. It knows neither files nor frameworks: whoever reads a format
 * makes the steps.
 */

export interface Step extends MeteredStep {
  /** Names of tensors; "" for one that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * The outputs, from the first on.
   * @param inputs null for one that is left out
   * @returns null where it cannot be computed
   */
  readonly run: (
    inputs: readonly (DenseTensor | null)[],
  ) => readonly DenseTensor[] | null | Promise<readonly DenseTensor[] | null>;
}

/** How a graph is run. */
export interface Running {
  /** Null: nothing else computes what a step cannot. */
  readonly outside: Outside | null;
  /** Bounds what a graph from elsewhere may take; null: no bounds, for graphs of one's own. */
  readonly meter: Meter | null;
  /** What is known of a tensor that nothing makes; it is refused as that. */
  readonly whyMissing?: (name: string) => CipherconvError | null;
}

/** Computes a step that has no arithmetic of ours. */
export type Outside = (
  step: Step,
  inputs: readonly (DenseTensor | null)[],
) => Promise<readonly DenseTensor[]>;

export type Tensors = ReadonlyMap<string, DenseTensor>;

/**
 * The wanted tensors.
 * @param steps in topological order; only those that the wanted tensors need are run
 * @param given inputs and constants
 * @throws CipherconvError `unsupported` naming the node that nothing computes, or that takes too much; `internal` for a tensor
 *   that nothing makes
 */
export async function interpret(
  steps: readonly Step[],
  given: Tensors,
  wanted: readonly string[],
  { outside, meter, whyMissing }: Running = { outside: null, meter: null },
): Promise<Map<string, DenseTensor>> {
  const needed = neededSteps(steps, given, wanted);
  const readers = countReaders(needed, wanted);
  const live = new LiveTensors();
  const take = (name: string): DenseTensor => {
    const tensor = live.get(name) ?? given.get(name);
    if (tensor !== undefined) return tensor;
    const known = whyMissing?.(name) ?? null;
    throw (
      known ?? new CipherconvError({ code: 'internal', where: name, message: 'nothing makes this tensor' })
    );
  };
  for (const step of needed) {
    const inputs = step.inputs.map((name) => (name === '' ? null : take(name)));
    meter?.admit(step, inputs, live.bytes);
    const made = checked(
      step,
      (await computed(step, inputs, meter)) ?? (await runOutside(step, inputs, outside)),
    );
    step.outputs.forEach((name, index) => {
      const tensor = made[index];
      if (name !== '' && tensor !== undefined && readers.has(name)) live.set(name, tensor);
    });
    release(step, readers, live);
  }
  return new Map(wanted.map((name) => [name, take(name)]));
}

/** Tensors that are still read, and what they hold. */
class LiveTensors {
  readonly #tensors = new Map<string, DenseTensor>();
  /** Of all of them together. */
  bytes = 0;

  get(name: string): DenseTensor | undefined {
    return this.#tensors.get(name);
  }

  set(name: string, tensor: DenseTensor): void {
    this.delete(name);
    this.#tensors.set(name, tensor);
    this.bytes += tensor.data.byteLength;
  }

  delete(name: string): void {
    this.bytes -= this.#tensors.get(name)?.data.byteLength ?? 0;
    this.#tensors.delete(name);
  }
}

/** What the step makes by itself. Of a graph from elsewhere, nonsense that was let through ends here. */
async function computed(
  step: Step,
  inputs: readonly (DenseTensor | null)[],
  meter: Meter | null,
): Promise<readonly DenseTensor[] | null> {
  try {
    return await step.run(inputs);
  } catch (error) {
    if (meter === null || error instanceof CipherconvError) throw error;
    throw new CipherconvError(
      {
        code: 'malformed-model',
        where: step.name,
        message: `${step.op}: the node cannot be computed`,
        expected: 'inputs and attributes that go together',
        found: inputs.map(describe).join(', '),
      },
      { cause: error },
    );
  }
}

/** The steps that make the wanted tensors, and what these need. */
function neededSteps(steps: readonly Step[], given: Tensors, wanted: readonly string[]): readonly Step[] {
  const missing = new Set(wanted.filter((name) => !given.has(name)));
  const needed: Step[] = [];
  for (const step of steps.toReversed()) {
    if (!step.outputs.some((name) => missing.has(name))) continue;
    needed.push(step);
    for (const name of step.inputs) if (name !== '' && !given.has(name)) missing.add(name);
  }
  return needed.reverse();
}

/** How often each tensor is read; wanted ones once more than they are. */
function countReaders(steps: readonly Step[], wanted: readonly string[]): Map<string, number> {
  const readers = new Map<string, number>();
  for (const name of [...steps.flatMap(({ inputs }) => inputs), ...wanted])
    readers.set(name, (readers.get(name) ?? 0) + 1);
  return readers;
}

/** Tensors that nobody reads any more. */
function release({ inputs }: Step, readers: Map<string, number>, live: LiveTensors): void {
  for (const name of inputs) {
    const left = (readers.get(name) ?? 1) - 1;
    readers.set(name, left);
    if (left === 0) live.delete(name);
  }
}

async function runOutside(
  step: Step,
  inputs: readonly (DenseTensor | null)[],
  outside: Outside | null,
): Promise<readonly DenseTensor[]> {
  if (outside !== null) return outside(step, inputs);
  throw new CipherconvError({
    code: 'unsupported',
    where: step.name,
    message: `not supported yet: ${step.op} in the clear`,
    expected: 'an operator, with attributes and types, that the interpreter computes',
    found: `${step.op} of ${inputs.map(describe).join(', ')}`,
  });
}

function describe(input: DenseTensor | null): string {
  return input === null ? 'nothing' : `${input.type} [${input.shape.join(', ')}]`;
}

/** 64-bit integers are doubles here: beyond 2^53 they are not exact, so they are refused. */
function checked(step: Step, made: readonly DenseTensor[]): readonly DenseTensor[] {
  for (const { type, data } of made) {
    if (type !== 'int64' && type !== 'uint64') continue;
    const wrong = data.find((value: number) => !Number.isSafeInteger(value));
    if (wrong === undefined) continue;
    throw new CipherconvError({
      code: 'unsupported',
      where: step.name,
      message: `not supported yet: 64-bit integers of this size (${step.op})`,
      expected: 'below 2^53 in magnitude',
      found: String(wrong),
    });
  }
  return made;
}
