import { coeffModulusBits } from '../../compiler/bfv/parameters.ts';
import { decodeLogit } from '../../compiler/network/decode.ts';
import { parametersFor } from '../../compiler/network/plan.ts';
import type { NetworkBytes, NetworkCounts, NetworkPlan } from '../../compiler/network/plan.ts';
import { buildNetworkProgram } from '../../compiler/network/program.ts';
import type { NetworkProgram } from '../../compiler/network/program.ts';
import { logitResidues, summedSlots } from '../../compiler/network/results.ts';
import { simulateNetwork } from '../../compiler/network/simulate.ts';
import { networkView } from '../../compiler/network/view.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import type { DisposableHandle } from '../../runtime/disposable.ts';
import { longWork } from '../../runtime/longWork.ts';
import { createNetworkClient } from '../../runtime/network/client.ts';
import { createNetworkEvaluator } from '../../runtime/network/evaluator.ts';
import { clearLogits } from './clearNetwork.ts';

/** What `run --json` prints of a network of one round. */
export interface NetworkReport {
  /** Whether the logits under SEAL, of the simulation and in the clear are the same integers. */
  readonly match: boolean;
  /** Logits that differ. */
  readonly mismatches: number;
  /** Logits. */
  readonly outputs: number;
  readonly mode: 'non-interactive';
  readonly engine: 'seal';
  readonly params: {
    readonly degree: number;
    readonly coeffModulusBits: readonly number[];
    readonly plainModuli: readonly number[];
  };
  readonly logits: {
    /** Over all logits; numbers, or strings beyond 2^53. */
    readonly lo: number | string;
    readonly hi: number | string;
    readonly provedBits: number;
    readonly values: readonly (number | string)[];
  };
  readonly noise: { readonly predictedBudgetBits: number; readonly measuredBudgetBits: number };
  readonly ms: Readonly<Record<NetworkStage, number>>;
  readonly bytes: NetworkBytes;
  readonly counts: NetworkCounts;
}

/** What is timed. */
export type NetworkStage = 'keygen' | 'prepare' | 'encrypt' | 'evaluate' | 'decrypt';

/** Numbers where they are exact, strings beyond. */
export function plainInteger(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** The logits of the program in the clear, modulo every t. */
function simulatedLogits(plan: NetworkPlan, program: NetworkProgram, input: Float64Array): bigint[] {
  const { plainModuli } = plan.parameters;
  const summed = summedSlots(program.results);
  const residues = plainModuli.map((modulus) =>
    logitResidues(summed, simulateNetwork(program, modulus, input), modulus),
  );
  return plan.analysis.logits.map(({ lo, modulus }, logit) =>
    decodeLogit(
      { lo: BigInt(lo), modulus: BigInt(modulus) },
      residues.map((values) => values[logit]!),
      plainModuli,
    ),
  );
}

/** Runs `work`; told when it begins, and how long it took. */
type Timed = <T>(stage: NetworkStage, work: () => T | Promise<T>) => Promise<T>;

/** A network with its keys, as client and server in one. Not for two calls at a time. */
export interface NetworkRunner extends DisposableHandle {
  /**
   * One inference, compared three ways: under SEAL, simulated, and in the clear.
   * @param input the integers
   * @throws CipherconvError `shape-mismatch` or `out-of-range`.
   */
  run(input: Tensor): Promise<NetworkResult>;
}

export interface NetworkResult {
  readonly report: NetworkReport;
  readonly logits: readonly bigint[];
}

/**
 * Makes the keys and prepares the weights of a network; the caller disposes of the runner.
 * @param announce told which step begins
 */
export async function openNetworkRunner(
  plan: NetworkPlan,
  announce: (stage: NetworkStage | 'compare') => void = () => undefined,
): Promise<NetworkRunner> {
  const ms = { keygen: 0, prepare: 0, encrypt: 0, evaluate: 0, decrypt: 0 };
  const timed: Timed = async (stage, work) => {
    announce(stage);
    await new Promise((resolve) => setTimeout(resolve, 0));
    const start = performance.now();
    const value = await longWork(work);
    ms[stage] = Math.round((performance.now() - start) * 1000) / 1000;
    return value;
  };
  const program = buildNetworkProgram(plan.spec, plan.parameters.degree, plan.layout);
  const client = await timed('keygen', () => createNetworkClient(networkView(plan, program)));
  const keys = client.evaluationKeys();
  const evaluator = await timed('prepare', () => createNetworkEvaluator(plan));
  evaluator.loadEvaluationKeys(keys);
  const dispose = (): void => {
    evaluator.dispose();
    client.dispose();
  };
  return {
    run: async (input) => {
      const upload = await timed('encrypt', () => client.encrypt(input));
      const response = await timed('evaluate', () => evaluator.evaluate(upload));
      const logits = await timed('decrypt', () => client.decrypt(response));
      announce('compare');
      const mismatches = longWork(() => differing(logits, plan, program, input.data));
      const report: NetworkReport = {
        match: mismatches === 0,
        mismatches,
        outputs: logits.length,
        ...networkFacts(plan),
        logits: { ...logitFacts(plan), values: logits.map(plainInteger) },
        noise: {
          predictedBudgetBits: plan.noise.predictedBudgetBits,
          measuredBudgetBits: client.measuredBudgetBits(response),
        },
        ms: { ...ms },
        bytes: { keys: keys.length, upload: totalLength(upload), response: totalLength(response) },
        counts: plan.counts,
      };
      return { report, logits };
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}

/** Logits that are not those of the network in the clear, or not those of the program simulated. */
function differing(
  logits: readonly bigint[],
  plan: NetworkPlan,
  program: NetworkProgram,
  input: Float64Array,
): number {
  const clear = clearLogits(plan.spec, input);
  const simulated = simulatedLogits(plan, program, input);
  return logits.filter((logit, index) => logit !== clear[index] || logit !== simulated[index]).length;
}

function totalLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

/** What a report and a summary say alike. */
export function networkFacts(plan: NetworkPlan): Pick<NetworkReport, 'mode' | 'engine' | 'params'> {
  const { degree, plainModuli } = plan.parameters;
  const bits = coeffModulusBits(parametersFor(plan.parameters, plainModuli[0]!));
  return {
    mode: 'non-interactive',
    engine: 'seal',
    params: { degree, coeffModulusBits: bits, plainModuli },
  };
}

/** What is proved of the logits. */
export function logitFacts({
  analysis,
}: NetworkPlan): Pick<NetworkReport['logits'], 'lo' | 'hi' | 'provedBits'> {
  const los = analysis.logits.map(({ lo }) => BigInt(lo));
  const his = analysis.logits.map(({ hi }) => BigInt(hi));
  const least = los.reduce((left, right) => (right < left ? right : left));
  const most = his.reduce((left, right) => (right > left ? right : left));
  return { lo: plainInteger(least), hi: plainInteger(most), provedBits: analysis.provedBits };
}
