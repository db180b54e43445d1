import { printable } from '../../../compiler/base/printable.ts';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import { displayName } from '../../frontend/files.ts';
import type { PictureRules } from '../../frontend/pictureFit.ts';
import { parseJson } from '../../frontend/positions.ts';
import { looksLikePlan, looksLikeModelPlan } from '../../frontend/planFile.ts';
import { parseClientPlan } from '../../frontend/clientPlan.ts';
import type { ClientPlan } from '../../frontend/clientPlan.ts';
import type { ClientModel } from '../../model/clientModel.ts';
import { looksLikeClientModel, parseClientModel } from '../../model/clientModelFile.ts';
import { looksLikeServerModel } from '../../model/serverModel.ts';
import { looksLikeClientNetwork, parseClientNetwork } from '../../network/clientNetwork.ts';
import type { ClientNetwork } from '../../network/clientNetwork.ts';
import { looksLikeNetworkPlan } from '../../network/networkPlan.ts';
import { readPlanText, requireSeparate } from '../clientFiles.ts';
import { late } from '../interrupt.ts';
import { inputFilesOf, requireRoom, runFolder, runOne, throughput } from '../manyInputs.ts';
import type { InputFiles, ManyResult } from '../manyInputs.ts';
import { bytesText } from '../runText.ts';
import type { Terminal } from '../terminal.ts';
import type { InferSession, Inferred } from '../inferSessions.ts';

interface InferFlags {
  readonly plan: string;
  readonly server: string;
  readonly input: readonly string[];
  readonly output?: string | undefined;
  readonly atOnce?: number | undefined;
  readonly json?: true | undefined;
}

const DEFAULT_AT_ONCE = 2;

/** What a folder or file of inputs becomes. */
export async function infer(flags: InferFlags, rules: PictureRules, io: Terminal): Promise<void> {
  const { plan, input, output } = flags;
  await requireSeparate(
    [{ what: '--plan', path: plan }, ...input.map((path) => ({ what: '--input', path }))],
    output === undefined ? [] : [{ what: '--output', path: output }],
  );
  const files = await inputFilesOf(input);
  if (output !== undefined) await requireRoom(output, files);
  const text = await readPlanText(plan);
  const server = { url: flags.server, atOnce: flags.atOnce ?? DEFAULT_AT_ONCE, rules, io };
  const sides = await late(import('../inferSessions.ts'));
  const client = readClient(text, displayName(plan));
  if (client.kind === 'model') await perform(sides.modelSession(client.model, server), files, flags, io);
  else if (client.kind === 'network') {
    const { networkSession } = await late(import('../networkSession.ts'));
    await perform(await networkSession(client.network, server), files, flags, io);
  } else await perform(await sides.planSession(client.plan, server), files, flags, io);
}

async function perform<Value>(
  session: InferSession<Value>,
  files: InputFiles,
  flags: InferFlags,
  io: Terminal,
): Promise<void> {
  try {
    const { output } = flags;
    const result =
      files.kind === 'folder'
        ? await runFolder(session, files.paths, output, io)
        : await runOne(session, files.paths, output, io);
    report(session, result, flags, io);
  } finally {
    session.dispose();
  }
}

/** A client plan, of any kind. */
type Client =
  | { readonly kind: 'plan'; readonly plan: ClientPlan }
  | { readonly kind: 'network'; readonly network: ClientNetwork }
  | { readonly kind: 'model'; readonly model: ClientModel };

/** Plans with weights. */
const SERVER_SIDES = [looksLikePlan, looksLikeModelPlan, looksLikeServerModel, looksLikeNetworkPlan];

function readClient(text: string, file: string): Client {
  const value = parseJson(text, file);
  if (SERVER_SIDES.some((looksLike) => looksLike(value))) {
    throw new CipherconvError({
      code: 'usage',
      where: file,
      message: 'not the side of the plan that this command needs',
      expected: 'a client plan',
      found: 'a plan with the weights',
      hint: 'compile --client-plan FILE writes it; GET /v1/plans/DIGEST or /v1/models/DIGEST of the server gives it',
    });
  }
  if (looksLikeClientNetwork(value)) return { kind: 'network', network: parseClientNetwork(text, file) };
  if (!looksLikeClientModel(value)) return { kind: 'plan', plan: parseClientPlan(text, file) };
  return { kind: 'model', model: parseClientModel(text, file) };
}

function report<Value>(
  session: InferSession<Value>,
  { files, count, ms }: ManyResult<Inferred<Value>>,
  flags: InferFlags,
  io: Terminal,
): void {
  const { kind, name, digest } = session;
  const all = files.flatMap(({ outputs }) => outputs);
  const bytes = (key: 'upload' | 'response'): number => all.reduce((sum, each) => sum + each.bytes[key], 0);
  if (flags.json === true) {
    const results = files.map(({ input, outputs }) => ({
      input,
      inferences: outputs.map((each) => ({
        ms: each.ms,
        bytes: each.bytes,
        layers: each.layers,
        outputs: flags.output === undefined ? each.values() : each.shapes(),
      })),
    }));
    const whole = { upload: bytes('upload'), response: bytes('response') };
    const perSecond = (count * 1000) / ms;
    io.print(
      `${JSON.stringify({ kind, name, digest, inferences: count, ms, perSecond, rounds: session.rounds, bytes: whole, results })}\n`,
    );
    return;
  }
  const lines = files.flatMap(({ input, outputs }) =>
    outputs.map((each, index) => {
      const which = outputs.length > 1 ? ` [${index}]` : '';
      return `${printable(input)}${which}: ${each.text()}`;
    }),
  );
  const sent = `${bytesText(bytes('upload'))} up, ${bytesText(bytes('response'))} down, ${session.rounds} rounds each`;
  io.print([...lines, throughput({ count, ms }), sent].map((line) => `${line}\n`).join(''));
}
