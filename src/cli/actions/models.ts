import { availableParallelism } from 'node:os';
import type { JudgeMode } from '../../sealJudge.ts';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import { printable } from '../../../compiler/base/printable.ts';
import type { ModelCompileOptions } from '../../model/compileModel.ts';
import { longWork } from '../../../runtime/longWork.ts';
import { refuseOverInput, STANDARD_STREAM, writeWhole } from '../../frontend/files.ts';
import type { ModelFlags } from '../../frontend/onnx/modelOptions.ts';
import type { ImportedModel } from '../../frontend/imported/model.ts';
import { compileModelAsync } from '../../model/compileModel.ts';
import type { PictureRules } from '../../frontend/pictureFit.ts';
import { fitStack, readInputFiles } from '../../model/modelInputs.ts';
import type { InputFiles as ReadInputs } from '../../model/modelInputs.ts';
import type { NamedTensors } from '../../model/runFlow.ts';
import type { InputFiles } from '../manyInputs.ts';
import { writeModelOutputs } from '../../model/modelOutputs.ts';
import { completeInThreads } from '../../hintPool.ts';
import { layersOf, layoutOf } from '../../model/modelFlow.ts';
import { clientModelOf } from '../../model/clientModelOf.ts';
import { encodeClientModel, parseClientModel } from '../../model/clientModelFile.ts';
import { pathBetween } from '../../model/modelParts.ts';
import type { JoinedModel, ModelPlan } from '../../model/modelPlan.ts';
import { encodeServerModel, serverModelOf } from '../../model/serverModel.ts';
import { encodeModelPlan } from '../../model/modelPlanFile.ts';
import { loadModel } from '../../model/modelSources.ts';
import { reportsOf } from '../planReports.ts';
import type { BlindKind } from '../blindOption.ts';
import { explainPlan } from '../explainText.ts';
import { clearNotices, describeModelRun, modelLine, modelLines, protection } from '../modelText.ts';
import { planSummary } from '../planSummary.ts';
import { late } from '../interrupt.ts';
import { bold } from '../terminal.ts';
import type { Terminal } from '../terminal.ts';
import { readableClient } from './readableClient.ts';

/** What the commands do with whole models. Loaded when one is given. */

export interface CompileModelRequest {
  readonly model: ModelFlags;
  readonly options: ModelCompileOptions;
  readonly blind: BlindKind;
  /** Where the plan goes; undefined for stdout. */
  readonly file: string | undefined;
  /** Where the client plan goes; the plan is then the server's part alone. */
  readonly clientPlan: string | undefined;
  /** A summary on stdout instead of the plan. */
  readonly json: boolean;
}

/** `compile MODEL`. */
export async function compileModelFile(
  path: string,
  { model, options, blind, file, clientPlan, json }: CompileModelRequest,
  io: Terminal,
): Promise<void> {
  const isBlinded = blind === 'random';
  const plan = await compileShown(await loadModel(path, model), { ...options, isBlinded }, io);
  for (const output of [file, clientPlan]) if (output !== undefined) await refuseOverInput(output);
  const client = clientPlan === undefined ? null : { path: clientPlan, text: clientModelText(plan) };
  const planText = client === null ? encodeModelPlan(plan) : serverText(plan, file, client.path, io);
  if (file !== undefined) {
    await writeWhole(file, planText);
    io.notice(`${file}: ${modelLine(plan)}`);
  } else if (!json && clientPlan !== STANDARD_STREAM) io.print(planText);
  if (client !== null) await writeWhole(client.path, client.text);
  if (json) io.print(`${JSON.stringify(modelSummary(plan))}\n`);
  protection(plan).forEach(io.notice);
}

/** The server's part, which names the client plan where it can. */
function serverText(plan: ModelPlan, file: string | undefined, clientPlan: string, io: Terminal): string {
  const path = pathBetween(file, clientPlan);
  if (path === null && file !== undefined)
    io.notice('the client plan is not below the folder of the plan: serve will not hand it out');
  return encodeServerModel(serverModelOf(plan, path));
}

/**
 * The client plan, read back as clients read it: one that they would refuse is not written.
 * @throws CipherconvError `unsupported`
 */
function clientModelText(plan: ModelPlan): string {
  if (layersOf(plan).length === 0) {
    throw new CipherconvError({
      code: 'unsupported',
      where: '--client-plan',
      message: 'nothing of this model is encrypted, so there is nothing for a server to compute',
      hint: 'leave --client-plan out',
    });
  }
  const text = encodeClientModel(clientModelOf(plan));
  const hint = 'leave --client-plan out and use run, or compile for smaller inputs';
  return readableClient(text, parseClientModel, hint);
}

async function compileShown(
  model: ImportedModel,
  options: ModelCompileOptions,
  io: Terminal,
): Promise<ModelPlan> {
  const completeAll: ModelCompileOptions['completeAll'] = (cores, aborting) => {
    const onProgress = (done: number, total: number): void => {
      io.progress('hints', done, total);
    };
    return completeInThreads(cores, availableParallelism(), { ...aborting, onProgress });
  };
  const plan = await compileModelAsync(model, { ...options, completeAll }, (layer, total) => {
    io.progress('compile', layer, total);
  });
  io.endProgress();
  clearNotices(plan).forEach(io.notice);
  return plan;
}

/** What `compile --json` and `explain --json` print for a model. */
function modelSummary(plan: JoinedModel): object {
  return {
    digest: clientModelOf(plan).digest,
    name: plan.name,
    inputs: plan.inputs,
    outputs: plan.outputs,
    rounds: plan.rounds.length,
    macs: plan.macs,
    clear: plan.clear,
    layers: layersOf(plan).map(({ name, op, input, output, stored }) => ({
      op,
      input,
      output,
      ...planSummary(stored),
      // The layer's own name, last: the plan carries the convolution's.
      name,
    })),
  };
}

/** A model that was given, compiled or not. */
export type ModelSource =
  | { readonly kind: 'model'; readonly model: ImportedModel; readonly inputs: ReadInputs | null }
  | { readonly kind: 'model-plan'; readonly plan: JoinedModel };

async function planOf(source: ModelSource, options: ModelCompileOptions, io: Terminal): Promise<JoinedModel> {
  return source.kind === 'model' ? await compileShown(source.model, options, io) : source.plan;
}

/** `explain MODEL` and `explain` of a model's plan. */
export async function explainModel(
  source: ModelSource,
  options: ModelCompileOptions,
  json: boolean,
  io: Terminal,
): Promise<void> {
  // Explaining a model in which nothing is encrypted says why.
  const plan = await planOf(source, { ...options, allowClear: true }, io);
  if (json) {
    io.print(`${JSON.stringify(modelSummary(plan))}\n`);
    return;
  }
  const overview = [...modelLines(plan), ...protection(plan)].map((line) => `  ${line}\n`).join('');
  io.print(
    `${bold(printable(plan.name))}  digest ${clientModelOf(plan).digest}\n\n${bold('Model')}\n${overview}`,
  );
  for (const { stored } of layersOf(plan)) {
    const text = longWork(() => explainPlan(stored, reportsOf(stored)));
    io.print(`\n${text}`);
  }
}

export interface RunModelRequest {
  readonly options: ModelCompileOptions;
  /** Files, `name=file` where the model has several inputs, or those of a folder. */
  readonly files: InputFiles;
  readonly output: string | undefined;
  readonly json: boolean;
  /** What may be done to pictures. */
  readonly rules: PictureRules;
  readonly weightMemoryBytes?: number;
  readonly judge?: JudgeMode;
}

/** A plan in which nothing is encrypted. */
function requireEncrypted(plan: JoinedModel): void {
  if (layersOf(plan).length > 0) return;
  throw new CipherconvError({
    code: 'unsupported',
    where: plan.name,
    message: 'nothing of this plan is encrypted',
    hint: '--allow-clear computes all of it in the clear all the same',
  });
}

/** The inputs of the first file, which may be a stack of them. */
async function firstInputs(
  plan: JoinedModel,
  source: ModelSource,
  { files, rules }: RunModelRequest,
  io: Terminal,
): Promise<readonly NamedTensors[]> {
  const read = source.kind === 'model' && files.kind === 'one' ? source.inputs : null;
  const paths = files.kind === 'one' ? files.paths : files.paths.slice(0, 1);
  return fitStack(plan, read ?? (await readInputFiles(plan.inputs, paths)), io.notice, rules);
}

/** `run MODEL` and `run` of a model's plan. */
export async function runModelSource(
  source: ModelSource,
  request: RunModelRequest,
  io: Terminal,
): Promise<void> {
  // Hints that compiling computed are those of the run.
  const hints = new Map<string, Uint8Array>();
  const onHintMade = (digest: string, hint: Uint8Array): void => void hints.set(digest, hint);
  const plan = await planOf(source, { ...request.options, onHintMade }, io);
  if (request.options.allowClear !== true) requireEncrypted(plan);
  const { weightMemoryBytes, judge } = request;
  const memory = {
    hints,
    ...(weightMemoryBytes === undefined ? {} : { weightMemoryBytes }),
    ...(judge === undefined ? {} : { judge }),
  };
  const [inputs, ...more] = await firstInputs(plan, source, request, io);
  // Loaded late: node-seal is large, and bad input is refused before.
  if (request.files.kind === 'folder' || more.length > 0 || inputs === undefined) {
    const { runManyModels } = await late(import('./runMany.ts'));
    await runManyModels(plan, request.files, request, { ...memory, onProgress: io.progress }, io);
    return;
  }
  const { ModelRunner } = await late(import('../../model/runModel.ts'));
  const runner = await ModelRunner.open(plan, { ...memory, onProgress: io.progress });
  const result = await runner.run(inputs);
  io.endProgress();
  const { report, outputs, statisticReason } = result;
  if (request.output !== undefined)
    await writeModelOutputs(request.output, { outputs, layout: layoutOf(plan) }, io.notice);
  if (statisticReason !== null && layoutOf(plan) === 'NCHW')
    io.notice(`no statistic of onnxruntime-web: ${printable(statisticReason)}`);
  if (request.json) {
    io.print(`${JSON.stringify(report)}\n`);
    protection(plan).forEach(io.notice);
  } else if (request.output === STANDARD_STREAM) io.remark(describeModelRun(plan, result));
  else io.print(describeModelRun(plan, result));
  if (!report.match) io.finish({ kind: 'mismatch' });
}
