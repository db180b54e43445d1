import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { clientView } from '../../compiler/lowerings/views.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { createClient } from '../../runtime/client/client.ts';
import type { HintClient } from '../../runtime/client/exchange.ts';
import { createHintClient } from '../../runtime/client/hintClient.ts';
import { compareTensors } from '../../runtime/clear/compare.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { publicSeedOf } from '../frontend/planDigest.ts';
import { planCore } from '../frontend/planFile.ts';
import { computeHint } from '../hint.ts';
import type { ClientTimes, HintBytes } from './benchReport.ts';
import { measureCalmly, rampInput, timed } from './layerRounds.ts';
import { median } from './rawOperations.ts';

/** The hint protocol on one layer. Milliseconds, medians. */
export interface HintResult {
  readonly match: boolean;
  readonly bytes: HintBytes;
  /** The server's work, without coding. */
  readonly evaluate: number;
  /** With keys prepared: from the input to the output. */
  readonly online: number;
  /** Masks and hint products of one inference. */
  readonly offline: number;
  /** Computing the hint, once a plan. */
  readonly hint: number;
}

/** A plan with a hint, and a client that has it. */
export async function openHint(spec: ConvSpec): Promise<OpenHint> {
  const plan = compileSpec(spec, { protocol: 'hint', kernel: 'direct', lowering: 'toeplitz' });
  const core = planCore(plan, 'NCHW');
  const { value, ms } = await timed(() => computeHint(core));
  const { hint } = value;
  const client = await createHintClient(clientView(plan), { publicSeed: publicSeedOf(core), hint });
  return { plan, client, hintBytes: hint.length, ms };
}

interface OpenHint {
  readonly plan: Plan;
  readonly client: HintClient;
  readonly hintBytes: number;
  /** Computing the hint. */
  readonly ms: number;
}

export async function benchHint(spec: ConvSpec): Promise<HintResult> {
  const { plan, client, hintBytes, ms } = await openHint(spec);
  const evaluator = await createEvaluator(plan, { reuseResponse: true });
  const input = rampInput(plan);
  const expected = convolve(spec, input);
  let match = true;
  const round = (): Pick<HintResult, 'evaluate' | 'online' | 'offline'> => {
    const began = performance.now();
    client.prepare(1);
    const prepared = performance.now();
    const exchange = client.begin(input);
    const { upload, response } = evaluator.coding;
    const before = performance.now();
    const results = evaluator.evaluate(exchange.upload);
    const evaluated = performance.now() - before;
    const output = exchange.decrypt(results);
    const online = performance.now() - prepared;
    const coding = evaluator.coding.upload - upload + evaluator.coding.response - response;
    match &&= compareTensors(expected, output).match;
    return { evaluate: evaluated - coding, online, offline: prepared - began };
  };
  round();
  const rounds = await measureCalmly(round);
  client.dispose();
  evaluator.dispose();
  const middle = (key: 'evaluate' | 'online' | 'offline'): number => median(rounds.map((each) => each[key]));
  return {
    match,
    bytes: { ...plan.bytes, hint: hintBytes },
    evaluate: middle('evaluate'),
    online: middle('online'),
    offline: middle('offline'),
    hint: ms,
  };
}

/** What a client of the standard protocol takes, with SEAL's arithmetic (`seal`) or ours; coding included. */
export async function benchClient(spec: ConvSpec, engine: 'auto' | 'seal'): Promise<ClientTimes> {
  const plan = compileSpec(spec, { protocol: 'standard', engine, lowering: 'toeplitz' });
  const client = await createClient(clientView(plan));
  const evaluator = await createEvaluator(plan);
  const input = rampInput(plan);
  const response = evaluator.evaluate(client.encrypt(input));
  const rounds = await measureCalmly(async () => ({
    encrypt: (await timed(() => client.encrypt(input))).ms,
    decrypt: (await timed(() => client.decrypt(response))).ms,
  }));
  client.dispose();
  evaluator.dispose();
  return {
    encrypt: median(rounds.map(({ encrypt }) => encrypt)),
    decrypt: median(rounds.map(({ decrypt }) => decrypt)),
  };
}
