import { join } from 'node:path';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import { createFarm } from '../../farm/farm.ts';
import type { Farm } from '../../farm/farm.ts';
import type { Split } from '../../farm/pieces.ts';
import type { FarmInput, FarmResult } from '../../farm/submit.ts';
import { clientPlanOf, looksLikeClientPlan, parseClientPlan } from '../../frontend/clientPlan.ts';
import type { ClientPlan } from '../../frontend/clientPlan.ts';
import { displayName, readText } from '../../frontend/files.ts';
import type { PictureRules } from '../../frontend/pictureFit.ts';
import { looksLikeModelPlan, parsePlan } from '../../frontend/planFile.ts';
import type { StoredPlan } from '../../frontend/planFile.ts';
import { parseJson } from '../../frontend/positions.ts';
import { giveBack } from '../../server/workers/bufferPool.ts';
import { looksLikeClientModel } from '../../model/clientModelFile.ts';
import { looksLikeServerModel } from '../../model/serverModel.ts';
import { batchFiles } from '../batchFiles.ts';
import type { BatchFile } from '../batchFiles.ts';
import { BatchJournal } from '../batchJournal.ts';
import { readSecretKey, requireSeparate } from '../clientFiles.ts';
import { requireProtocol } from '../keyFlags.ts';
import { farmAddress } from '../redisFlags.ts';
import type { RedisFlags } from '../redisFlags.ts';
import type { Terminal } from '../terminal.ts';
import { picturesBatch, uploadsBatch } from './farmBatch.ts';
import type { Batch, BatchCommon, BatchResult, BatchStep } from './farmBatch.ts';
import { hintPicturesBatch } from './farmHintBatch.ts';
import { refuseModel } from './refuseModel.ts';

interface FarmSubmitFlags extends RedisFlags {
  readonly input: readonly string[];
  readonly output: string;
  readonly secretKey?: string | undefined;
  readonly hint?: string | undefined;
  readonly evaluationKeys?: string | undefined;
  readonly format: 'npy' | 'json' | 'pb' | 'png';
  readonly inFlight?: number | undefined;
  readonly split?: Split | undefined;
  readonly json?: true | undefined;
  readonly rules: PictureRules;
}

/** What became of a batch, as `--json` prints it. */
interface BatchReport {
  readonly plan: string;
  readonly redis: string;
  /** Results that are there now. */
  readonly results: number;
  /** Of these, how many were there before. */
  readonly before: number;
  readonly failed: readonly {
    readonly input: string;
    readonly job: string;
    readonly reason: string;
    readonly text: string;
  }[];
  readonly refused: readonly { readonly input: string; readonly message: string }[];
  readonly seconds: number;
}

export async function farmSubmit(planPath: string, flags: FarmSubmitFlags, io: Terminal): Promise<void> {
  requireRoles(flags);
  await requireSeparate([{ what: 'the plan', path: planPath }, ...keyFiles(flags)], []);
  await refuseModel(planPath);
  const plan = await loadEitherPlan(planPath);
  const client = 'view' in plan ? plan : clientPlanOf(plan);
  requireProtocol(client, flags);
  const isPictures = (flags.secretKey ?? flags.hint) !== undefined;
  const files = await batchFiles(
    flags.input,
    flags.output,
    { content: isPictures ? 'tensors' : 'uploads', extension: isPictures ? `.${flags.format}` : null },
    io.notice,
  );
  const secretKey = flags.secretKey === undefined ? null : await readSecretKey(flags.secretKey, io.notice);
  const { url, options } = await farmAddress(flags, io);
  const farm = await createFarm(url, options);
  try {
    const journal = await BatchJournal.open(
      flags.output,
      files.map(({ output }) => output),
    );
    const common = { plan: client, journal, folder: flags.output, notice: io.notice };
    const batch = await openBatch(common, flags, { secretKey, count: files.length }).catch(
      async (error: unknown) => {
        await journal.withdraw();
        throw error;
      },
    );
    try {
      const report = await submitBatch({ farm, plan, batch, files }, flags, io);
      io.print(flags.json === true ? `${JSON.stringify(report)}\n` : describe(report, flags.output));
      if (report.failed.length + report.refused.length > 0) io.finish({ kind: 'refused', code: 'server' });
    } finally {
      batch.dispose();
    }
  } finally {
    await farm.dispose();
  }
}

/** What encrypts here, if anything does. */
async function openBatch(
  common: BatchCommon,
  flags: FarmSubmitFlags,
  { secretKey, count }: { readonly secretKey: Uint8Array | null; readonly count: number },
): Promise<Batch> {
  if (flags.hint !== undefined)
    return hintPicturesBatch(common, { hintPath: flags.hint, count }, flags.rules);
  return secretKey === null || flags.secretKey === undefined
    ? uploadsBatch(common, flags.evaluationKeys ?? null)
    : picturesBatch(common, { path: flags.secretKey, bytes: secretKey }, flags.rules);
}

function keyFiles({ secretKey, evaluationKeys, hint }: FarmSubmitFlags): { what: string; path: string }[] {
  return [
    ...(secretKey === undefined ? [] : [{ what: '--secret-key', path: secretKey }]),
    ...(evaluationKeys === undefined ? [] : [{ what: '--evaluation-keys', path: evaluationKeys }]),
    ...(hint === undefined ? [] : [{ what: '--hint', path: hint }]),
  ];
}

/** @throws CipherconvError `usage`. */
function requireRoles({ secretKey, evaluationKeys, hint }: FarmSubmitFlags): void {
  if (evaluationKeys === undefined || (secretKey ?? hint) === undefined) return;
  throw new CipherconvError({
    code: 'usage',
    where: '--evaluation-keys',
    message: 'inputs that are encrypted here need no evaluation keys of a file',
    hint: 'leave --evaluation-keys out, or submit uploads without --secret-key and --hint',
  });
}

/** @throws CipherconvError as `parsePlan` and `parseClientPlan` do. */
async function loadEitherPlan(path: string): Promise<ClientPlan | StoredPlan> {
  const file = displayName(path);
  const text = await readText(path);
  const value = parseJson(text, file);
  if (looksLikeModelPlan(value) || looksLikeClientModel(value) || looksLikeServerModel(value))
    refuseWholeModel(file);
  return looksLikeClientPlan(value) ? parseClientPlan(text, file) : parsePlan(text, file);
}

function refuseWholeModel(file: string): never {
  throw new CipherconvError({
    code: 'unsupported',
    where: file,
    message: 'not supported yet: batches of a whole model',
    expected: 'the plan of one layer',
    hint: 'serve MODEL --farm URL puts the layers of whole models on a farm',
  });
}

interface Work {
  readonly farm: Farm;
  readonly plan: ClientPlan | StoredPlan;
  readonly batch: Batch;
  readonly files: readonly BatchFile[];
}

async function submitBatch(
  { farm, plan, batch, files }: Work,
  flags: FarmSubmitFlags,
  io: Terminal,
): Promise<BatchReport> {
  const began = performance.now();
  const failed: BatchReport['failed'][number][] = [];
  const refused: BatchReport['refused'][number][] = [];
  const byOutput = new Map(files.map((file) => [file.output, file]));
  let before = 0;
  let after = 0;
  const progress = (): void => {
    io.progress('farm', before + after + failed.length + refused.length, files.length);
  };
  const refuse = ({ input }: BatchFile, error: unknown): void => {
    if (!(error instanceof CipherconvError) || error.code === 'internal' || error.code === 'unwritable')
      throw error;
    refused.push({ input, message: error.message });
    io.notice(`refused: ${error.message.replaceAll('\n', ' ')}`);
  };
  const inputs = async function* (): AsyncGenerator<FarmInput, void, undefined> {
    for (const file of files) {
      let step: BatchStep | null = null;
      try {
        step = await batch.stepOf(file);
        if (step.kind === 'done') before++;
      } catch (error) {
        refuse(file, error);
      }
      progress();
      if (step?.kind === 'evaluate') yield { name: file.output, message: step.message };
      if (step?.kind === 'done' && step.leftover !== null) {
        yield { name: file.output, message: step.leftover, isReceived: true };
        await batch.forgotten(file);
      }
    }
  };
  const keys = batch.evaluationKeys;
  const results = farm.submit(plan, inputs(), {
    ...(flags.inFlight === undefined ? {} : { inFlight: flags.inFlight }),
    ...(flags.split === undefined ? {} : { split: flags.split }),
    ...(keys === null ? {} : { evaluationKeys: keys }),
  });
  progress();
  let last: BatchFile | null = null;
  // The farm has forgotten a result when it gives the next one.
  const leaveLast = async (): Promise<void> => {
    if (last !== null) await batch.forgotten(last);
    last = null;
  };
  for await (const result of results) {
    await leaveLast();
    const file = byOutput.get(result.name);
    if (file === undefined) continue;
    const trouble = await take(result, file, batch);
    if (trouble === null) {
      last = file;
      after++;
    } else {
      failed.push({ input: file.input, ...trouble });
      io.notice(`failed: ${file.input}: ${trouble.reason}: ${trouble.text}`);
    }
    progress();
  }
  await leaveLast();
  io.endProgress();
  const seconds = Math.round(performance.now() - began) / 1000;
  return { plan: batch.digest, redis: farm.redis, results: before + after, before, failed, refused, seconds };
}

/** Writes a result; what it failed with, or null. */
async function take(
  result: FarmResult,
  file: BatchFile,
  batch: Batch,
): Promise<Omit<BatchReport['failed'][number], 'input'> | null> {
  if (result.kind === 'failed') {
    const { job, reason, text } = result;
    return { job, reason, text };
  }
  const written: BatchResult = await batch.write(file, result.response);
  giveBack(result.response);
  return written.kind === 'written' ? null : { job: '', reason: 'undecryptable', text: written.text };
}

function describe({ results, before, failed, refused, seconds }: BatchReport, folder: string): string {
  const here = before === 0 ? '' : `, ${before} of them before`;
  const lines = [`${results} results in ${join(folder, '')}${here}; ${seconds} s`];
  if (failed.length > 0) lines.push(`${failed.length} failed`);
  if (refused.length > 0) lines.push(`${refused.length} refused`);
  return `${lines.join('\n')}\n`;
}
