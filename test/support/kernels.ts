import { nttPrimes } from '../../compiler/rings/primes.ts';
import { NOTHING_DROPPED } from '../../compiler/bfv/noise.ts';
import { analyzeLanes } from '../../compiler/toeplitz/direct/lanes.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { createClient } from '../../runtime/client/client.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { createJudge } from '../../runtime/evaluator/judge.ts';
import type { DirectLanes, ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

/** The plan with the direct kernel and its lanes, whatever the search chose. */
export function withDirect(plan: ToeplitzPlan): ToeplitzPlan {
  const analysis = analyzeLanes(plan.parameters, buildProgram(plan), 0);
  if (analysis.kind === 'refused') throw new Error(analysis.found);
  return { ...plan, execution: { kernel: 'direct', lanes: analysis.lanes, upload: 'seeded' } };
}

/** The plan under other primes of these bits, the last of several special; everything travels. */
export function withPrimes(plan: ToeplitzPlan, bits: readonly number[]): ToeplitzPlan {
  const primes: bigint[] = [];
  for (const size of bits) primes.push(...nttPrimes(plan.parameters.degree, size, 1, primes));
  const decimal = primes.map(String);
  const several = decimal.length > 1;
  return {
    ...plan,
    parameters: {
      ...plan.parameters,
      dataPrimes: several ? decimal.slice(0, -1) : decimal,
      specialPrime: several ? (decimal.at(-1) ?? null) : null,
    },
    wire: NOTHING_DROPPED,
  };
}

/** Responses of SEAL's evaluator and of both kernels to the same upload, and what the direct one's decrypts to. */
export async function runAll(
  plan: ToeplitzPlan,
  input: Tensor,
): Promise<{ seal: Uint8Array[]; ntt: Uint8Array[]; direct: Uint8Array[]; output: Tensor }> {
  using client = await createClient(clientView(plan));
  const upload = client.encrypt(input);
  using judge = await createJudge(plan, null);
  using ntt = await createEvaluator(plan, { kernel: 'ntt' });
  using direct = await createEvaluator(plan, { kernel: 'direct' });
  const response = direct.evaluate(upload);
  return {
    seal: judge.evaluate(upload),
    ntt: ntt.evaluate(upload),
    direct: response,
    output: client.decrypt(response),
  };
}

/** The lanes of a plan of the direct kernel. */
export function lanesOf({ execution }: ToeplitzPlan): DirectLanes {
  if (execution.kernel !== 'direct') throw new Error('not a plan of the direct kernel');
  return execution.lanes;
}
