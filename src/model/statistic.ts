import { toBinary } from '@bufbuild/protobuf';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { ModelProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { ModelProto } from '../frontend/onnx/proto/onnx_pb.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import type { ClearGraph } from './clearGraph.ts';
import { completeModel } from './completeModel.ts';
import { OnnxGraph } from './onnxGraph.ts';
import type { RuntimeStatistic } from './modelReport.ts';
import { loadOrt, PACKAGE } from './ort.ts';
import { runInOrtThread } from './ortThread.ts';
import { isQuant, withoutQuantNodes } from './quantNodes.ts';
import { stepOfOutput } from './outputStep.ts';
import { toDoubles } from './typedTensor.ts';
import type { TypedTensor } from './typedTensor.ts';

type Tensors = ReadonlyMap<string, TypedTensor>;

/** What is compared: of a plan or of a model. */
interface NamedOutputs {
  readonly outputs: readonly { readonly name: string }[];
}

/** What onnxruntime makes of the model as it stands, or why it makes nothing of it. */
export type StatisticResult =
  | { readonly statistic: RuntimeStatistic; readonly reason: null }
  | { readonly statistic: null; readonly reason: string };

const ONNX_ONLY = 'it runs ONNX models only';

/**
 * Runs the model in onnxruntime-web, fully optimized, and counts how its outputs differ. Never a verdict: it keeps some
 * convolutions in floats, rounds float biases, and refuses some of what the format allows.
 */
export async function runtimeStatistic(
  plan: NamedOutputs,
  network: ClearGraph,
  inputs: Tensors,
  outputs: Tensors,
): Promise<StatisticResult> {
  if (!(network instanceof OnnxGraph)) return { statistic: null, reason: ONNX_ONLY };
  // Loaded here too, lightly: whether the package is there.
  if ((await loadOrt()) === null) return { statistic: null, reason: `${PACKAGE} is not installed` };
  try {
    const model = toBinary(ModelProtoSchema, await standardModel(network));
    const outcome = await runInOrtThread({ model, what: 'the whole model', inputs });
    if (outcome.kind === 'refused') return { statistic: null, reason: outcome.reason };
    return { statistic: compared(plan, network.model, outcome.outputs, outputs), reason: null };
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    const { message, found } = error.details;
    return { statistic: null, reason: found === undefined ? message : `${message}: ${found}` };
  }
}

/** The statistic of a model that was imported and not cut into layers. */
export async function importedStatistic(
  model: ImportedModel,
  inputs: Tensors,
  outputs: Tensors,
): Promise<StatisticResult> {
  const { source } = model;
  if (source.format !== 'onnx') return { statistic: null, reason: ONNX_ONLY };
  const bytes = toBinary(ModelProtoSchema, completeModel(model, source));
  return runtimeStatistic(model, new OnnxGraph({ format: 'onnx', bytes }, []), inputs, outputs);
}

/** Without QONNX nodes; what they need of constants is computed. */
async function standardModel(network: OnnxGraph): Promise<ModelProto> {
  const { model } = network;
  const quants = (model.graph?.node ?? []).filter(isQuant);
  if (quants.length === 0) return model;
  const given = new Set((model.graph?.input ?? []).map(({ name }) => name));
  const parameters = new Set(quants.flatMap(({ input }) => input.slice(1)));
  const names = [...parameters].filter((name) => name !== '' && !given.has(name));
  return withoutQuantNodes(model, await network.run(new Map(), names));
}

function compared(plan: NamedOutputs, model: ModelProto, theirs: Tensors, ours: Tensors): RuntimeStatistic {
  let [values, differing, largest, sameTop1] = [0, 0, 0, true];
  for (const { name } of plan.outputs) {
    const [wanted, got] = [doublesOf(theirs, name), doublesOf(ours, name)];
    values += got.length;
    const step = stepOfOutput(model, name) ?? rangeStep(wanted);
    got.forEach((value, index) => {
      const other = wanted[index] ?? NaN;
      if (value === other || (Number.isNaN(value) && Number.isNaN(other))) return;
      differing++;
      largest = Math.max(largest, Math.abs(value - other) / step);
    });
    const batch = ours.get(name)?.shape[0] ?? 1;
    sameTop1 &&= topOnes(wanted, batch) === topOnes(got, batch);
  }
  return { runtime: 'onnxruntime-web', outputs: values, differing, largestDifference: largest, sameTop1 };
}

function doublesOf(tensors: Tensors, name: string): Float64Array {
  const tensor = tensors.get(name);
  return tensor === undefined ? new Float64Array(0) : toDoubles(tensor, name);
}

/** An output without a scale: its largest magnitude in 255 steps; 1 where all of it is 0. */
function rangeStep(values: Float64Array): number {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest === 0 || !Number.isFinite(largest) ? 1 : largest / 255;
}

/** Where the largest value of each item of the batch is; of equal ones the first. */
function topOnes(values: Float64Array, batch: number): string {
  const size = batch > 0 && values.length % batch === 0 ? values.length / batch : values.length;
  const tops: number[] = [];
  for (let from = 0; from < values.length; from += size) {
    const item = values.subarray(from, from + size);
    tops.push(item.indexOf(item.reduce((most, value) => Math.max(most, value), -Infinity)));
  }
  return tops.join();
}
