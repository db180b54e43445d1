import { elementCount } from '../../../compiler/base/tensor.ts';
import { outputShape } from '../../../compiler/convolution/shape.ts';
import type { ConvSpec } from '../../../compiler/convolution/spec.ts';
import { CLIENT_LIMITS } from '../../../compiler/lowering/limits.ts';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import { compileConfig } from '../../compile.ts';
import { complete } from '../../hint.ts';
import { clientPlanOf, encodeClientPlan, parseClientPlan } from '../../frontend/clientPlan.ts';
import { refuseOverInput, requireWritable, STANDARD_STREAM, writeWhole } from '../../frontend/files.ts';
import type { NamedFile } from '../../frontend/files.ts';
import { freshBlind } from '../../frontend/planDigest.ts';
import { encodePlan, planCore } from '../../frontend/planFile.ts';
import type { StoredPlan } from '../../frontend/planFile.ts';
import { loadConfig } from '../../frontend/sources.ts';
import { modelFormat } from '../../model/modelFiles.ts';
import { loadModel, refuseModelFlags } from '../../model/modelSources.ts';
import type { BlindKind } from '../blindOption.ts';
import { compileOptions } from '../compileOptions.ts';
import type { ParsedOptions } from '../compileOptions.ts';
import { requireSeparate } from '../clientFiles.ts';
import { refuseHintOfModel, refuseHintOfNetwork, requirePlanHint, writeHint } from '../hintFlag.ts';
import { allowsClear, boundFiles, isNonInteractive, modelFlags, refuseAllowClear } from '../modelFlags.ts';
import { planSummary } from '../planSummary.ts';
import { oneLine } from '../planText.ts';
import { late } from '../interrupt.ts';
import type { Terminal } from '../terminal.ts';

interface CompileFlags {
  readonly output?: string | undefined;
  readonly clientPlan?: string | undefined;
  readonly hint?: string | undefined;
  readonly blind: BlindKind;
  readonly json?: true | undefined;
}

export async function compile(
  path: string,
  flags: CompileFlags,
  self: ParsedOptions,
  io: Terminal,
): Promise<void> {
  const { print, notice } = io;
  const options = compileOptions(self);
  const model = modelFlags(self);
  const { blind, clientPlan } = flags;
  const file = flags.output === STANDARD_STREAM ? undefined : flags.output;
  await requireSeparate([{ what: 'the config', path }, ...boundFiles(model)], outputsOf(flags));
  if (file !== undefined) await requireWritable(file);
  for (const other of [clientPlan, flags.hint]) if (other !== undefined) await requireWritable(other);
  const format = await modelFormat(path);
  if (format !== null && isNonInteractive(self)) {
    await compileNetwork(path, { ...flags, output: file }, self, io);
    return;
  }
  if (format !== null) {
    refuseHintOfModel(flags.hint);
    const { compileModelFile } = await late(import('./models.ts'));
    await compileModelFile(
      path,
      {
        model,
        options: { ...options, allowClear: allowsClear(self) },
        blind,
        file,
        clientPlan,
        json: flags.json === true,
      },
      io,
    );
    return;
  }
  refuseModelFlags(model);
  refuseAllowClear(self);
  const config = await loadConfig(path);
  for (const output of [file, clientPlan, flags.hint])
    if (output !== undefined) await refuseOverInput(output);
  if (clientPlan !== undefined) refuseLargeForClients(config.spec);
  const compiled = compileConfig(config, options);
  const core = blind === 'none' ? compiled : planCore(compiled.plan, compiled.layout, freshBlind());
  const { plan: stored, hint } = await complete(core, {
    onProgress: (done, total) => {
      io.progress('hint', done, total);
    },
  });
  io.endProgress();
  requirePlanHint(flags.hint, hint);
  const clientText = clientPlan === undefined ? null : clientPlanText(stored);
  if (file !== undefined) {
    await writeWhole(file, encodePlan(stored));
    notice(`${file}: ${oneLine(stored)}`);
  } else if (flags.json !== true && clientPlan !== STANDARD_STREAM) print(encodePlan(stored));
  if (clientPlan !== undefined && clientText !== null) await writeWhole(clientPlan, clientText);
  await writeHint(flags.hint, stored, hint);
  if (flags.json === true) print(`${JSON.stringify(planSummary(stored))}\n`);
}

/** A model as a network of one round. */
async function compileNetwork(
  path: string,
  { output, clientPlan, hint, blind, json }: CompileFlags,
  self: ParsedOptions,
  io: Terminal,
): Promise<void> {
  refuseHintOfNetwork(hint);
  const { storedNetwork, writeNetwork } = await late(import('./networks.ts'));
  const compiled = storedNetwork({ kind: 'model', model: await loadModel(path, modelFlags(self)) }, self);
  const request = { isBlind: blind === 'random', file: output, clientPlan, json: json === true };
  await writeNetwork(compiled, request, io);
}

/** Where the plan, the client plan and the summary go. Without -o and --json the plan goes to stdout. */
function outputsOf({ output, clientPlan, hint, json }: CompileFlags): NamedFile[] {
  const plan = output ?? (json === true ? null : STANDARD_STREAM);
  return [
    ...(plan === null ? [] : [{ what: 'the plan', path: plan }]),
    ...(clientPlan === undefined ? [] : [{ what: 'the client plan', path: clientPlan }]),
    ...(hint === undefined ? [] : [{ what: 'the hint', path: hint }]),
    ...(json === true ? [{ what: '--json', path: STANDARD_STREAM }] : []),
  ];
}

/**
 * The client plan, read back as clients read it: one that they would refuse is not written.
 * @throws CipherconvError `unsupported`.
 */
function clientPlanText(stored: StoredPlan): string {
  const text = encodeClientPlan(clientPlanOf(stored));
  try {
    parseClientPlan(text, 'the client plan');
    return text;
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    const { where, expected, found } = error.details;
    throw tooLargeForClients({ where, expected, found }, error);
  }
}

/** What no client plan can be of is refused before the compile, which may take long. */
function refuseLargeForClients(spec: ConvSpec): void {
  const { batch, channels, height, width } = spec.input;
  const output = outputShape(spec);
  const most = CLIENT_LIMITS.elements;
  for (const [where, count] of [
    ['input', elementCount([batch, channels, height, width])],
    ['output', elementCount([output.batch, output.channels, output.height, output.width])],
  ] as const) {
    if (count > most)
      throw tooLargeForClients({ where, expected: `at most ${most} elements`, found: String(count) });
  }
}

interface Excess {
  readonly where?: string | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
}

function tooLargeForClients({ where, expected, found }: Excess, cause?: unknown): CipherconvError {
  return new CipherconvError(
    {
      code: 'unsupported',
      where: where === undefined ? '--client-plan' : `--client-plan: ${where}`,
      message: 'not supported yet: a client plan so large',
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
      hint: 'leave --client-plan out and use run, or compile for a smaller input',
    },
    { cause },
  );
}
