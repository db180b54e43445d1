import type { OperationCosts } from '../../compiler/cost/operationCosts.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import type { Client } from '../../runtime/client/client.ts';
import type { CodingTimes } from '../../runtime/wire/codingClock.ts';
import { compareTensors } from '../../runtime/clear/compare.ts';
import type { Evaluator } from '../../runtime/evaluator/types.ts';
import { loadSeal } from '../../runtime/seal/module.ts';
import { RawOperations } from './rawOperations.ts';
import { calmest, countCalm, watched } from './stolenTime.ts';
import type { Watched } from './stolenTime.ts';
import type { Kernel } from '../../compiler/lowering/plan.ts';

/** Rounds of a layer, at least and at most: more where they are short, for a median that a lost millisecond does not move. */
const FEWEST = 5;
const MOST = 25;
/** No further round begins after so many milliseconds, or, where the machine was not calm for the fewest, so many. */
const ENOUGH_MS = 1000;
const LONGEST_MS = 20_000;
/** Evaluations are repeated for so long in each round. */
const EVALUATE_MS = 10;
/** Raw operations timed per round, at most. */
const MOST_CALLS = 400;

export async function timed<T>(action: () => T | Promise<T>): Promise<{ value: T; ms: number }> {
  const start = performance.now();
  const value = await action();
  return { value, ms: performance.now() - start };
}

/** A fixed input over the whole range, NCHW. */
export function rampInput({ spec }: Plan): Tensor {
  const { batch, channels, height, width, range } = spec.input;
  const levels = range.hi - range.lo + 1;
  const count = batch * channels * height * width;
  const data = Float64Array.from({ length: count }, (_, index) => range.lo + ((index * 7919) % levels));
  return { shape: [batch, channels, height, width], data };
}

/** One round of one kernel: everything from the tensor to the result. */
export interface Round {
  readonly match: boolean;
  readonly encrypt: number;
  readonly encodeUpload: number;
  readonly evaluate: number;
  readonly encodeDownload: number;
  readonly decrypt: number;
}

/** What a call took: its own work, and the packing and unpacking inside it. */
interface Call<T> {
  readonly value: T;
  readonly own: number;
  readonly upload: number;
  readonly response: number;
}

function call<T>(side: { readonly coding: CodingTimes }, action: () => T): Call<T> {
  const before = { upload: side.coding.upload, response: side.coding.response };
  const start = performance.now();
  const value = action();
  const took = performance.now() - start;
  const upload = side.coding.upload - before.upload;
  const response = side.coding.response - before.response;
  return { value, own: took - upload - response, upload, response };
}

/** The median call of as many as take a while: one alone would be a cold one, where the raw operations run warm. */
function evaluateOften(evaluator: Evaluator, upload: readonly Uint8Array[]): Call<Uint8Array[]> {
  const calls: Call<Uint8Array[]>[] = [];
  const end = performance.now() + EVALUATE_MS;
  do calls.push(call(evaluator, () => evaluator.evaluate(upload)));
  while (performance.now() < end);
  return calls.sort((left, right) => left.own - right.own)[Math.floor(calls.length / 2)]!;
}

function round({ client, evaluator }: Contestant, input: Tensor, expected: Tensor): Round {
  const encrypted = call(client, () => client.encrypt(input));
  const evaluated = evaluateOften(evaluator, encrypted.value);
  const decrypted = call(client, () => client.decrypt(evaluated.value));
  return {
    match: compareTensors(expected, decrypted.value).match,
    encrypt: encrypted.own,
    encodeUpload: encrypted.upload + evaluated.upload,
    evaluate: evaluated.own,
    encodeDownload: evaluated.response + decrypted.response,
    decrypt: decrypted.own,
  };
}

/** A kernel with a plan for it. */
export interface Contestant {
  readonly plan: Plan;
  readonly client: Client;
  readonly evaluator: Evaluator;
}

/** Who evaluates: SEAL as the ntt kernel, which is compared with its raw operations; our own ntt kernel; the direct one. */
export type Contender = 'nttSeal' | Kernel;

/** One round of each, and the costs of node-seal's operations before and after that of SEAL. */
export interface Sweep extends Readonly<Record<Contender, Round>> {
  readonly floors: readonly OperationCosts[];
}

/** Measures again and again; gives the calmest half, or as many as there have to be. */
export async function measureCalmly<T>(measure: () => T | Promise<T>): Promise<T[]> {
  const began = performance.now();
  const all: Watched<T>[] = [];
  const isDone = (): boolean => {
    const took = performance.now() - began;
    if (all.length < FEWEST) return false;
    return all.length >= MOST || took > LONGEST_MS || (took > ENOUGH_MS && countCalm(all) >= FEWEST);
  };
  while (!isDone()) all.push(await watched(measure));
  return calmest(all, Math.max(FEWEST, Math.ceil(all.length / 2)));
}

/**
 * Rounds of all in turn, so that a drift of the machine hits all; the first is a warm-up.
 * @returns whether all rounds, also those that do not count, gave the convolution; and those that count
 */
export async function runSweeps({
  nttSeal,
  ntt,
  direct,
}: Readonly<Record<Contender, Contestant>>): Promise<{ match: boolean; sweeps: Sweep[] }> {
  const raw = new RawOperations(await loadSeal(), ntt.plan.parameters, {
    distinctPlaintexts: Math.min(ntt.plan.counts.weightPlaintexts, 1024),
    distinctCiphertexts: ntt.plan.transfer.usedChunks.length,
  });
  const input = rampInput(ntt.plan);
  const expected = convolve(ntt.plan.spec, input);
  const calls = Math.max(16, Math.min(ntt.plan.counts.products, MOST_CALLS));
  let match = true;
  const sweep = (): Sweep => {
    // Around what is compared with them: the machine drifts.
    const before = raw.measure(calls);
    const seal = round(nttSeal, input, expected);
    const after = raw.measure(calls);
    const rounds = {
      nttSeal: seal,
      ntt: round(ntt, input, expected),
      direct: round(direct, input, expected),
    };
    match &&= Object.values(rounds).every((each) => each.match);
    return { ...rounds, floors: [before, after] };
  };
  sweep();
  const sweeps = await measureCalmly(sweep);
  raw.dispose();
  return { match, sweeps };
}
