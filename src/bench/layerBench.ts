import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { OperationCosts } from '../../compiler/cost/operationCosts.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import { createClient } from '../../runtime/client/client.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { createSealEvaluator } from '../../runtime/evaluator/judge.ts';
import type { LayerResult } from './benchReport.ts';
import { benchClient, benchHint } from './hintBench.ts';
import { measureCalmly, rampInput, runSweeps, timed } from './layerRounds.ts';
import type { Contender, Contestant, Round } from './layerRounds.ts';
import { layerSpec } from './layers.ts';
import type { LayerShape } from './layers.ts';
import { loadOrt } from '../model/ort.ts';
import { ortConvolutions } from './onnxruntime.ts';
import { combineCosts, median } from './rawOperations.ts';
import { coeffModulusBits } from '../../compiler/bfv/parameters.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

/** Milliseconds of the node-seal operations that the ntt kernel executes for the plan. */
function floorMilliseconds({ counts }: Plan, costs: OperationCosts): number {
  const { inputCiphertexts, outputCiphertexts, products } = counts;
  const microseconds =
    inputCiphertexts * (costs.load + costs.toNtt) +
    products * costs.multiply +
    (products - outputCiphertexts) * costs.add +
    outputCiphertexts * (costs.fromNtt + costs.save);
  return microseconds / 1000;
}

async function plaintextMilliseconds(plan: Plan, input: Tensor): Promise<number | null> {
  const ort = await loadOrt();
  if (ort === null) return null;
  const convolutions = await ortConvolutions(ort, plan.spec, input);
  const medians: number[] = [];
  for (const { run, release } of convolutions) {
    await run();
    medians.push(median(await measureCalmly(async () => (await timed(run)).ms)));
    await release();
  }
  return Math.min(...medians);
}

/** One kernel on the best plan for it, and how long it took to get there. */
interface Prepared extends Contestant {
  readonly compile: number;
  readonly prepare: number;
}

async function prepare(spec: ConvSpec, contender: Contender): Promise<Prepared> {
  const kernel = contender === 'nttSeal' ? 'ntt' : contender;
  const options = { kernel, lowering: 'toeplitz', protocol: 'standard' } as const;
  const compiled = await timed(() => compileSpec(spec, options));
  const plan = compiled.value;
  const client = await createClient(clientView(plan));
  const made = await timed(() =>
    contender === 'nttSeal' ? createSealEvaluator(plan) : createEvaluator(plan),
  );
  return { plan, compile: compiled.ms, prepare: made.ms, client, evaluator: made.value };
}

function expectedShape({ spec }: Plan): number[] {
  const { batch, channels, height, width } = outputShape(spec);
  return [batch, channels, height, width];
}

function ratio(left: number | null, right: number | null): number | null {
  return left === null || right === null || right === 0 ? null : left / right;
}

type Step = Exclude<keyof Round, 'match'>;

/** Times one layer with both kernels, the ntt kernel in SEAL's arithmetic and in ours, each on the plan that is best for it. */
export async function benchLayer(layer: LayerShape): Promise<LayerResult> {
  const spec = layerSpec(layer);
  const { kernel } = compileSpec(spec, { lowering: 'toeplitz', protocol: 'standard' }).execution;
  const prepared = {
    nttSeal: await prepare(spec, 'nttSeal'),
    ntt: await prepare(spec, 'ntt'),
    direct: await prepare(spec, 'direct'),
  };
  const { plan, compile, prepare: prepareMs } = prepared[kernel];
  const { match, sweeps } = await runSweeps(prepared);
  for (const { client, evaluator } of Object.values(prepared)) {
    client.dispose();
    evaluator.dispose();
  }
  const milliseconds = (of: Contender, step: Step): number => median(sweeps.map((sweep) => sweep[of][step]));
  const evaluate = {
    ntt: milliseconds('nttSeal', 'evaluate'),
    nttOwn: milliseconds('ntt', 'evaluate'),
    direct: milliseconds('direct', 'evaluate'),
    auto: milliseconds(kernel, 'evaluate'),
  };
  const ms = {
    encrypt: milliseconds(kernel, 'encrypt'),
    encodeUpload: milliseconds(kernel, 'encodeUpload'),
    encodeDownload: milliseconds(kernel, 'encodeDownload'),
    decrypt: milliseconds(kernel, 'decrypt'),
  };
  const coding = ms.encodeUpload + ms.encodeDownload;
  const totalStandard = ms.encrypt + evaluate.auto + coding + ms.decrypt;
  const hint = await benchHint(spec);
  const client = { seal: await benchClient(spec, 'seal'), ring: await benchClient(spec, 'auto') };
  const best = Math.min(evaluate.ntt, evaluate.direct);
  const totalSeal = client.seal.encrypt + best + client.seal.decrypt;
  const total = hint.online + hint.offline;
  const floorNtt = floorMilliseconds(
    prepared.nttSeal.plan,
    combineCosts(sweeps.flatMap(({ floors }) => floors)),
  );
  const plaintext = await plaintextMilliseconds(plan, rampInput(plan));
  return {
    id: layer.id,
    match: match && hint.match,
    outputs: elementCount(expectedShape(plan)),
    params: {
      degree: plan.parameters.degree,
      coeffModulusBits: coeffModulusBits(plan.parameters),
      plainModulus: plan.parameters.plainModulus,
    },
    kernel,
    counts: plan.counts,
    bytes: hint.bytes,
    bytesStandard: plan.bytes,
    ms: {
      compile,
      prepare: prepareMs,
      ...ms,
      evaluate: { ...evaluate, hint: hint.evaluate },
      online: hint.online,
      offline: hint.offline,
      hint: hint.hint,
      floorNtt,
      total,
      totalStandard,
      totalSeal,
      client,
      plaintext,
    },
    ratios: {
      nttOverFloor: ratio(evaluate.ntt, floorNtt),
      nttOwnOverFloor: ratio(evaluate.nttOwn, floorNtt),
      nttOverDirect: ratio(evaluate.ntt, evaluate.direct),
      autoOverPlaintext: ratio(evaluate.auto, plaintext),
      totalOverAuto: ratio(totalStandard, evaluate.auto),
      hintOverPlaintext: ratio(hint.evaluate, plaintext),
      onlineOverPlaintext: ratio(hint.online, plaintext),
      bestOverHint: ratio(best, hint.evaluate),
      totalSealOverTotal: ratio(totalSeal, total),
    },
  };
}
