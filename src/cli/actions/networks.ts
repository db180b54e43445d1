import { CipherconvError } from '../../../compiler/base/errors.ts';
import { compileNetwork } from '../../../compiler/network/compile.ts';
import type { NetworkOptions } from '../../../compiler/network/compile.ts';
import type { CompileOptions } from '../../../compiler/lowerings/compile.ts';
import { longWork } from '../../../runtime/longWork.ts';
import { refuseOverInput, STANDARD_STREAM, writeWhole } from '../../frontend/files.ts';
import type { ImportedModel } from '../../frontend/imported/model.ts';
import type { PictureRules } from '../../frontend/pictureFit.ts';
import { freshBlind } from '../../frontend/planDigest.ts';
import { fitInputs, readInputFiles } from '../../model/modelInputs.ts';
import { writeModelOutputs } from '../../model/modelOutputs.ts';
import { fromDense, toDoubles } from '../../model/typedTensor.ts';
import { importNetwork } from '../../network/importNetwork.ts';
import { encodeClientNetwork, parseClientNetwork } from '../../network/clientNetwork.ts';
import { clientNetworkOf, storeNetwork } from '../../network/networkPlan.ts';
import type { StoredNetwork } from '../../network/networkPlan.ts';
import { encodeNetworkPlan } from '../../network/networkPlanFile.ts';
import { levelsOf, modelPort, scoresOf } from '../../network/port.ts';
import { compileOptions, refuseCompileOptions } from '../compileOptions.ts';
import type { ParsedOptions } from '../compileOptions.ts';
import { describeNetworkRun, explainNetwork, networkLine, networkSummary } from '../networkText.ts';
import { late } from '../interrupt.ts';
import type { Terminal } from '../terminal.ts';
import { readableClient } from './readableClient.ts';

/** What the commands do with networks of one round. Loaded when one is given. */

/** Options of other plans that mean nothing here. */
const NOT_FOR_NETWORKS = [
  'lowering',
  'kernel',
  'objective',
  'upload',
  'link',
  'failure',
  'accumulatorBits',
  'allowClear',
];

/** @throws CipherconvError `usage` */
function refuseOtherOptions(self: ParsedOptions): void {
  const given = NOT_FOR_NETWORKS.find((name) => self.getOptionValueSource(name) === 'cli');
  if (given === undefined) return;
  throw new CipherconvError({
    code: 'usage',
    message: `--${given.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} has no effect with --mode non-interactive`,
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
  if (source.kind === 'network-plan') {
    refuseCompileOptions(self);
    return source.stored;
  }
  refuseOtherOptions(self);
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
  readonly inputs: readonly string[];
  readonly output: string | undefined;
  readonly json: boolean;
  readonly rules: PictureRules;
}

/** The integers of an input file. */
async function inputLevels(
  { plan, port }: StoredNetwork,
  { inputs, rules }: RunNetworkRequest,
  io: Terminal,
): Promise<Float64Array> {
  const ports = [modelPort(port, plan.spec.input.range)];
  const files = await readInputFiles(ports, inputs);
  const tensor = fitInputs({ inputs: ports, segments: [] }, files, io.notice, rules).get(port.name);
  if (tensor === undefined) return new Float64Array(0);
  return levelsOf(port, plan.spec.input, toDoubles(tensor, port.name));
}

/** `run` of a network. */
export async function runNetworkSource(
  stored: StoredNetwork,
  request: RunNetworkRequest,
  io: Terminal,
): Promise<void> {
  const { plan, output } = stored;
  const data = await inputLevels(stored, request, io);
  // Loaded late: node-seal is large, and bad input is refused before.
  const { runNetwork } = await late(import('../../network/runNetwork.ts'));
  const { report, logits } = await runNetwork(plan, { shape: plan.spec.input.shape, data }, (stage) => {
    io.progress(stage, 0, 1);
  });
  io.endProgress();
  const scores = scoresOf(plan.spec.output, logits);
  if (report.match && request.output !== undefined) {
    const { shape, data: values } = scores;
    const tensor = fromDense({ type: 'float32', shape, data: Float32Array.from(values) }, output);
    await writeModelOutputs(
      request.output,
      { outputs: new Map([[output, tensor]]), layout: 'NCHW' },
      io.notice,
    );
  }
  const text = request.json
    ? `${JSON.stringify(report)}\n`
    : describeNetworkRun(plan, report, [...scores.data]);
  if (!request.json && request.output === STANDARD_STREAM) io.remark(text);
  else io.print(text);
  if (!report.match) io.finish({ kind: 'mismatch' });
}
