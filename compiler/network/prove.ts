import { elementCount } from '../base/tensor.ts';
import { log2, rowRange, squareRange, valueCount, wholeRange } from './ranges.ts';
import type { Range } from './ranges.ts';
import type { LinearStage, NetworkSpec } from './spec.ts';

/** What is proved of every integer of a network, over all inputs of its range. */
export interface NetworkProof {
  /** One a stage. */
  readonly stages: readonly StageProof[];
  /** Of the last stage. */
  readonly logits: readonly Range[];
  /** Largest number of values that one logit can take: the product of the plain moduli must not be below it. */
  readonly width: bigint;
  /** log2(width). */
  readonly bits: number;
}

/** The values of one linear map, before they are squared. */
export interface StageProof {
  /** Of the stage. */
  readonly name: string;
  /** Smallest value of any output. */
  readonly lo: bigint;
  /** Largest value of any output. */
  readonly hi: bigint;
  /** One an output. */
  readonly values: readonly Range[];
}

function stageProof(stage: LinearStage, inputs: readonly Range[]): StageProof {
  const values = Array.from({ length: stage.outputs }, (_, row) => rowRange(stage, row, inputs));
  return {
    name: stage.name,
    lo: values.reduce((least, { lo }) => (lo < least ? lo : least), values[0]?.lo ?? 0n),
    hi: values.reduce((most, { hi }) => (hi > most ? hi : most), values[0]?.hi ?? 0n),
    values,
  };
}

/**
 * Interval analysis with congruences, exact: per output element, borders included. Elements are taken as independent of
 * each other, which they are in the first stage; behind it the bounds are proofs that need not be reached.
 */
export function proveNetwork(spec: NetworkSpec): NetworkProof {
  const { shape, range } = spec.input;
  const input = wholeRange(BigInt(range.lo), BigInt(range.hi));
  let inputs: readonly Range[] = Array.from({ length: elementCount(shape) }, () => input);
  const stages = spec.stages.map((stage) => {
    const proof = stageProof(stage, inputs);
    inputs = proof.values.map(squareRange);
    return proof;
  });
  const logits = stages.at(-1)?.values ?? [];
  const width = logits.reduce((most, logit) => {
    const count = valueCount(logit);
    return count > most ? count : most;
  }, 1n);
  return { stages, logits, width, bits: log2(width) };
}
