import { CipherconvError, internalError } from '../../../compiler/base/errors.ts';
import { printable } from '../../../compiler/base/printable.ts';
import type { Tensor } from '../../../compiler/base/tensor.ts';
import { compileNetwork } from '../../../compiler/network/compile.ts';
import type { NetworkOptions } from '../../../compiler/network/compile.ts';
import type { CompileOptions } from '../../../compiler/lowerings/compile.ts';
import { longWork } from '../../../runtime/longWork.ts';
import { refuseOverInput, STANDARD_STREAM, writeWhole } from '../../frontend/files.ts';
import type { ImportedModel } from '../../frontend/imported/model.ts';
import type { PictureRules } from '../../frontend/pictureFit.ts';
import { freshBlind } from '../../frontend/planDigest.ts';
import { fitStack, readInputFiles } from '../../model/modelInputs.ts';
import { stackOutputs, writeModelOutputs } from '../../model/modelOutputs.ts';
import type { NamedTensors } from '../../model/runFlow.ts';
import type { StatisticResult } from '../../model/statistic.ts';
import { fromDense, toDoubles } from '../../model/typedTensor.ts';
import { importNetwork } from '../../network/importNetwork.ts';
import { encodeClientNetwork, parseClientNetwork } from '../../network/clientNetwork.ts';
import { clientNetworkOf, storeNetwork } from '../../network/networkPlan.ts';
import type { StoredNetwork } from '../../network/networkPlan.ts';
import { encodeNetworkPlan } from '../../network/networkPlanFile.ts';
import { levelsOf, modelPort, scoresOf } from '../../network/port.ts';
import type { NetworkResult } from '../../network/runNetwork.ts';
import { compileOptions, refuseCompileOptions } from '../compileOptions.ts';
import type { ParsedOptions } from '../compileOptions.ts';
import { describeNetworkRun, explainNetwork, networkLine, networkSummary } from '../networkText.ts';
import type { NetworkRun } from '../networkText.ts';
import { late } from '../interrupt.ts';
import type { InputFiles } from '../manyInputs.ts';
import type { Terminal } from '../terminal.ts';
import { readableClient } from './readableClient.ts';

/** What the commands do with networks of one round. Loaded when one is given. */

/** Options of other plans that mean nothing where a network is compiled. */
const NOT_WHEN_COMPILED = [
  'lowering',
  'kernel',
  'objective',
  'protocol',
  'inferences',
  'upload',
  'link',
  'failure',
  'accumulatorBits',
  'encryptPools',
];

/** Those that mean nothing where one is run. */
const NOT_WHEN_RUN = ['allowClear', 'judge', 'weightMemory'];

/** @throws CipherconvError `usage` */
function refuseOptions(names: readonly string[], self: ParsedOptions): void {
  const given = names.find((name) => self.getOptionValueSource(name) === 'cli');
  if (given === undefined) return;
  throw new CipherconvError({
    code: 'usage',
    message: `--${given.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} has no effect on a network of one round`,
    hint: 'leave it out: networks of one round are computed in slots, under SEAL',
  });
}

/**
 * Compiles a model as a network of one round.
 * @throws CipherconvError `unsupported` for other networks, `beyond-bfv` for those that do not fit
 */
function compileStored(model: ImportedModel, options: CompileOptions): StoredNetwork {
  const { spec, port, output } = importNetwork(model);
  const own: NetworkOptions = {
    ...(options.degree === undefined || options.degree === 'auto' ? {} : { degree: options.degree }),
    ...(options.security === undefined ? {} : { security: options.security }),
  };
  const plan = longWork(() => compileNetwork(spec, own));
  return storeNetwork({ plan, port, output, blind: null });
}

/** A network that was given, compiled already or as a model. */
export type NetworkSource =
  | { readonly kind: 'network-plan'; readonly stored: StoredNetwork }
  | { readonly kind: 'model'; readonly model: ImportedModel };

/** @throws CipherconvError `usage` for options that mean nothing here, and what compiling throws. */
export function storedNetwork(source: NetworkSource, self: ParsedOptions): StoredNetwork {
  refuseOptions(NOT_WHEN_RUN, self);
  if (source.kind === 'network-plan') {
    refuseCompileOptions(self);
    return source.stored;
  }
  refuseOptions(NOT_WHEN_COMPILED, self);
  return compileStored(source.model, compileOptions(self));
}

export interface CompileNetworkRequest {
  readonly isBlind: boolean;
  /** Where the plan goes; undefined for stdout. */
  readonly file: string | undefined;
  /** Where the client plan goes. */
  readonly clientPlan: string | undefined;
  readonly json: boolean;
}

/** `compile MODEL --mode non-interactive`. */
export async function writeNetwork(
  compiled: StoredNetwork,
  { isBlind, file, clientPlan, json }: CompileNetworkRequest,
  io: Terminal,
): Promise<void> {
  const stored = isBlind ? storeNetwork({ ...compiled, blind: freshBlind() }) : compiled;
  const clientText = clientPlan === undefined ? null : clientNetworkText(stored);
  for (const path of [file, clientPlan]) if (path !== undefined) await refuseOverInput(path);
  if (file !== undefined) {
    await writeWhole(file, encodeNetworkPlan(stored));
    io.notice(`${file}: ${networkLine(stored.plan)}`);
  } else if (!json && clientPlan !== STANDARD_STREAM) io.print(encodeNetworkPlan(stored));
  if (clientPlan !== undefined && clientText !== null) await writeWhole(clientPlan, clientText);
  if (json) io.print(`${JSON.stringify(networkSummary(stored))}\n`);
}

function clientNetworkText(stored: StoredNetwork): string {
  const text = encodeClientNetwork(clientNetworkOf(stored));
  return readableClient(text, parseClientNetwork, 'leave --client-plan out and use run');
}

/** `explain` of a network. */
export function printNetwork(stored: StoredNetwork, json: boolean, io: Terminal): void {
  io.print(json ? `${JSON.stringify(networkSummary(stored))}\n` : explainNetwork(stored));
}

export interface RunNetworkRequest {
  /** What onnxruntime runs beside it; null where there is only a plan. */
  readonly model: ImportedModel | null;
  readonly files: InputFiles;
  readonly output: string | undefined;
  readonly json: boolean;
  readonly rules: PictureRules;
}

/** The integers of an input. */
function inputLevels({ plan, port }: StoredNetwork, inputs: NamedTensors): Tensor {
  const tensor = inputs.get(port.name);
  if (tensor === undefined) throw internalError(`the input ${port.name} is missing`);
  const { range, shape } = plan.spec.input;
  return { shape, data: levelsOf(port, { shape, range }, toDoubles(tensor, port.name)) };
}

/** `run` of a network: one input, a stack or a folder. */
export async function runNetworkSource(
  stored: StoredNetwork,
  request: RunNetworkRequest,
  io: Terminal,
): Promise<void> {
  const { plan, port } = stored;
  const { files, output, json, rules } = request;
  const ports = { inputs: [modelPort(port, plan.spec.input.range)], segments: [] };
  const load = async (paths: readonly string[]): Promise<readonly NamedTensors[]> =>
    fitStack(ports, await readInputFiles(ports.inputs, paths), io.notice, rules);
  const loaded = files.kind === 'one' ? await load(files.paths) : [];
  const [only, ...more] = loaded;
  // Loaded late: node-seal is large, and bad input is refused before.
  const { openNetworkRunner } = await late(import('../../network/runNetwork.ts'));
  using runner = await openNetworkRunner(plan, (stage) => {
    io.progress(stage, 0, 1);
  });
  const infer = async (inputs: NamedTensors): Promise<Witnessed> => {
    const result = await runner.run(inputLevels(stored, inputs));
    return witnessed(request.model, inputs, { ...result, outputs: namedScores(stored, result.logits) });
  };
  const write = async (path: string, results: readonly Witnessed[]): Promise<void> => {
    // A wrong result is never written down as if it were one.
    if (!results.every(({ report }) => report.match)) return;
    const outputs = stackOutputs(results.map((result) => result.outputs));
    await writeModelOutputs(path, { outputs, layout: 'NCHW' }, io.notice);
  };
  if (only === undefined || more.length > 0) {
    const { perform } = await late(import('./runMany.ts'));
    const session = { atOnce: 1, load, infer, write };
    await perform(session, files, { output, json, rules }, io);
    return;
  }
  const result = await infer(only);
  io.endProgress();
  if (output !== undefined) await write(output, [result]);
  tellRun(stored, result, request, io);
}

/** A result with its outputs, and what onnxruntime made of the same input. */
interface Witnessed extends NetworkRun, Pick<NetworkResult, 'logits'> {
  readonly outputs: NamedTensors;
}

async function witnessed(
  model: ImportedModel | null,
  inputs: NamedTensors,
  { report, logits, outputs }: NetworkResult & Pick<Witnessed, 'outputs'>,
): Promise<Witnessed> {
  const { statistic, reason } = await statisticOf(model, inputs, outputs);
  return { report: { ...report, statistic }, statisticReason: reason, logits, outputs };
}

async function statisticOf(
  model: ImportedModel | null,
  inputs: NamedTensors,
  outputs: NamedTensors,
): Promise<StatisticResult> {
  if (model === null)
    return { statistic: null, reason: 'the plan holds no model; run MODEL --mode non-interactive has one' };
  const { importedStatistic } = await late(import('../../model/statistic.ts'));
  return importedStatistic(model, inputs, outputs);
}

function namedScores({ plan, output }: StoredNetwork, logits: readonly bigint[]): NamedTensors {
  const { shape, data } = scoresOf(plan.spec.output, logits);
  const tensor = fromDense({ type: 'float32', shape, data: Float32Array.from(data) }, output);
  return new Map([[output, tensor]]);
}

function tellRun(
  { plan }: StoredNetwork,
  result: Witnessed,
  { json, output, model }: RunNetworkRequest,
  io: Terminal,
): void {
  const { report, statisticReason, logits } = result;
  if (statisticReason !== null && model !== null)
    io.notice(`no statistic of onnxruntime-web: ${printable(statisticReason)}`);
  const text = json
    ? `${JSON.stringify(report)}\n`
    : describeNetworkRun(plan, result, [...scoresOf(plan.spec.output, logits).data]);
  if (!json && output === STANDARD_STREAM) io.remark(text);
  else io.print(text);
  if (!report.match) io.finish({ kind: 'mismatch' });
}
