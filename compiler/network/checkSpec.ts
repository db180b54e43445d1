import { CipherconvError } from '../base/errors.ts';
import { elementCount } from '../base/tensor.ts';
import type { LinearStage, NetworkSpec } from './spec.ts';

/** Entries of all linear maps: beyond, plans and proofs would take minutes. */
const MOST_ENTRIES = 2 ** 23;
/** Numbers of a dense stage written out. */
const MOST_PRODUCTS = 2 ** 24;

function refuse(where: string, message: string, expected: string, found: string): never {
  throw new CipherconvError({ code: 'unsupported', where, message, expected, found });
}

function checkStage(stage: LinearStage, inputs: number): void {
  const { name, starts, columns, weights, bias } = stage;
  const isWhole =
    stage.inputs === inputs &&
    stage.outputs > 0 &&
    starts.length === stage.outputs + 1 &&
    bias.length === stage.outputs &&
    starts[0] === 0 &&
    starts.at(-1) === columns.length &&
    columns.length === weights.length &&
    starts.every((start, row) => row === 0 || start >= starts[row - 1]!);
  if (!isWhole)
    refuse(
      name,
      'not a linear map of these elements',
      `rows over ${inputs} inputs`,
      `${stage.inputs} inputs`,
    );
  const column = columns.findIndex((value) => !Number.isInteger(value) || value < 0 || value >= inputs);
  if (column >= 0)
    refuse(name, 'an input that does not exist', `0 to ${inputs - 1}`, String(columns[column]));
  for (const value of [...weights, ...bias].filter((number) => !Number.isSafeInteger(number)))
    refuse(name, 'a weight that is no exact integer', 'an integer below 2^53', String(value));
  for (let row = 0; row < stage.outputs; row++) {
    const row_ = columns.slice(starts[row], starts[row + 1]);
    if (new Set(row_).size !== row_.length)
      refuse(name, 'an input twice in one row', 'each once', `row ${row}`);
  }
  if (weights.every((weight) => weight === 0))
    refuse(name, 'not supported yet: a linear map whose weights are all 0', 'a weight that is not 0', 'none');
}

/**
 * What compiling relies on.
 * @throws CipherconvError `unsupported`.
 */
export function checkNetwork(spec: NetworkSpec): void {
  if (spec.stages.length === 0) refuse(spec.name, 'a network without a linear map', 'at least one', 'none');
  const { lo, hi } = spec.input.range;
  if (!Number.isSafeInteger(lo) || !Number.isSafeInteger(hi) || lo > hi)
    refuse(spec.name, 'not a range of integers', 'lo <= hi', `[${lo}, ${hi}]`);
  const entries = spec.stages.reduce((sum, { columns }) => sum + columns.length, 0);
  const largest = spec.stages
    .slice(1)
    .reduce((most, stage) => Math.max(most, stage.inputs * stage.outputs), 0);
  if (entries > MOST_ENTRIES || largest > MOST_PRODUCTS)
    refuse(
      spec.name,
      'not supported yet: a network so large',
      `at most ${MOST_ENTRIES} weights at their places, and ${MOST_PRODUCTS} for one map between squares`,
      `${entries}, ${largest}`,
    );
  let inputs = elementCount(spec.input.shape);
  for (const stage of spec.stages) {
    checkStage(stage, inputs);
    inputs = stage.outputs;
  }
}
