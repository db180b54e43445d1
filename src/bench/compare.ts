import { keyCount } from '../../compiler/lowering/plan.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Plan, Lowering } from '../../compiler/lowerings/plan.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { run } from '../run.ts';
import type { RunReport } from '../runReport.ts';
import { layerSpec } from './layers.ts';
import type { LayerShape } from './layers.ts';
import { median } from './rawOperations.ts';
import { coeffModulusBits } from '../../compiler/bfv/parameters.ts';

/** `cipherconv bench --compare`: toeplitz against diagonals on layers that both can do. */

const ROUNDS = 3;

/** Median milliseconds over the rounds, in the order of a run. */
export type Times = RunReport['ms'];

export type ComparedRun =
  | {
      readonly kind: 'ran';
      readonly lowering: Lowering;
      readonly match: boolean;
      readonly params: RunReport['params'];
      readonly counts: RunReport['counts'];
      readonly bytes: RunReport['bytes'];
      /** Evaluation keys, number. */
      readonly keys: number;
      readonly compile: number;
      readonly ms: Times;
    }
  | { readonly kind: 'refused'; readonly lowering: Lowering; readonly reason: string };

export interface ComparedLayer {
  readonly id: string;
  readonly outputs: number;
  readonly runs: readonly ComparedRun[];
}

/** A fixed input over the whole range, NCHW. */
function rampInput({ input }: ConvSpec): Tensor {
  const { batch, channels, height, width, range } = input;
  const levels = range.hi - range.lo + 1;
  const shape = [batch, channels, height, width];
  const data = Float64Array.from(
    { length: elementCount(shape) },
    (_, index) => range.lo + ((index * 7919) % levels),
  );
  return { shape, data };
}

function medianTimes(reports: readonly RunReport[]): Times {
  const of = (step: keyof Times): number => median(reports.map(({ ms }) => ms[step]));
  return {
    keygen: of('keygen'),
    prepare: of('prepare'),
    encrypt: of('encrypt'),
    evaluate: of('evaluate'),
    decrypt: of('decrypt'),
    offline: of('offline'),
    online: of('online'),
  };
}

async function measure(plan: Plan, compile: number, input: Tensor): Promise<ComparedRun> {
  const reports: RunReport[] = [];
  for (let round = 0; round < ROUNDS; round++) reports.push((await run(plan, input)).report);
  const [first] = reports;
  if (first === undefined) throw new Error('a comparison of no rounds');
  return {
    kind: 'ran',
    lowering: plan.lowering,
    match: reports.every(({ match }) => match),
    params: { ...first.params, coeffModulusBits: coeffModulusBits(plan.parameters) },
    counts: first.counts,
    bytes: first.bytes,
    keys: 'keys' in plan ? keyCount(plan.keys) : 0,
    compile,
    ms: medianTimes(reports),
  };
}

async function compareLowering(spec: ConvSpec, lowering: Lowering): Promise<ComparedRun> {
  const start = performance.now();
  let plan: Plan;
  try {
    plan = compileSpec(spec, { lowering });
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    return { kind: 'refused', lowering, reason: error.details.message };
  }
  const compile = Math.round((performance.now() - start) * 1000) / 1000;
  return measure(plan, compile, rampInput(spec));
}

/** Compiles and runs a layer with both lowerings, keys, encryption and decryption included, and checks every integer. */
export async function compareLayer(layer: LayerShape): Promise<ComparedLayer> {
  const spec = layerSpec(layer);
  const { batch, channels, height, width } = outputShape(spec);
  const runs: ComparedRun[] = [];
  for (const lowering of ['toeplitz', 'diagonals'] as const) runs.push(await compareLowering(spec, lowering));
  return { id: layer.id, outputs: elementCount([batch, channels, height, width]), runs };
}
