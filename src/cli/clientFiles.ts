import { stat } from 'node:fs/promises';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { looksLikeClientPlan, parseClientPlan } from '../frontend/clientPlan.ts';
import type { ClientPlan } from '../frontend/clientPlan.ts';
import { displayName, readBytes, readText, requireDistinct, STANDARD_STREAM } from '../frontend/files.ts';
import type { NamedFile } from '../frontend/files.ts';
import { looksLikeClientNetwork } from '../network/clientNetwork.ts';
import { looksLikeNetworkPlan } from '../network/networkPlan.ts';
import { looksLikeModelPlan, looksLikePlan, parsePlan } from '../frontend/planFile.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { kindOfBytes, MAKES_PLANS } from '../frontend/kindOfBytes.ts';
import { parseJson } from '../frontend/positions.ts';

/** What commands share about their files; plans and keys of clients. */

/** The mode of a secret key file: its owner reads and writes, nobody else anything. */
export const SECRET_MODE = 0o600;

/**
 * No output over an input or another output, at most one input from stdin and one output to stdout. The one rule of all
 * commands that write files.
 * @throws CipherconvError `usage`.
 */
export async function requireSeparate(
  inputs: readonly NamedFile[],
  outputs: readonly NamedFile[],
): Promise<void> {
  for (const [files, stream] of [
    [inputs, 'come from stdin'],
    [outputs, 'go to stdout'],
  ] as const) {
    const [first, second] = files.filter(({ path }) => path === STANDARD_STREAM);
    if (first === undefined || second === undefined) continue;
    throw new CipherconvError({
      code: 'usage',
      message: `${first.what} and ${second.what} cannot both ${stream}`,
    });
  }
  await requireDistinct(inputs, outputs);
}

/**
 * The client plan of `--plan`.
 * @throws CipherconvError as `parseClientPlan` does, or `usage` for a server plan.
 */
export async function loadClientPlan(path: string): Promise<ClientPlan> {
  const file = displayName(path);
  const text = await readPlanText(path);
  const value = parseJson(text, file);
  refuseNetwork(value, file);
  await refuseModelPlan(value, file);
  if (looksLikePlan(value))
    wrongView(file, 'a client plan', 'a server plan', 'compile CONFIG --client-plan FILE writes it');
  return parseClientPlan(text, file);
}

/**
 * The server plan of `--plan`, proved.
 * @throws CipherconvError as `parsePlan` does, or `usage` for a client plan.
 */
export async function loadServerPlan(path: string): Promise<StoredPlan> {
  const file = displayName(path);
  const text = await readPlanText(path);
  const value = parseJson(text, file);
  refuseNetwork(value, file);
  await refuseModelPlan(value, file);
  if (looksLikeClientPlan(value))
    wrongView(
      file,
      'a server plan, which has the weights',
      'a client plan',
      'compile CONFIG -o FILE writes it',
    );
  return parsePlan(text, file);
}

/**
 * The text of what should be a plan, of any kind.
 * @throws CipherconvError as `readText` does; `usage` for a file of another kind, by its first bytes
 */
export async function readPlanText(path: string): Promise<string> {
  return readText(path, (bytes, where) => {
    const kind = kindOfBytes(bytes);
    if (kind === null || bytes[0] === OPENING_BRACE) return;
    const { what } = kind;
    throw new CipherconvError({
      code: 'usage',
      where,
      message: 'not a plan',
      expected: 'a plan',
      found: what,
      hint: MAKES_PLANS,
    });
  });
}

const OPENING_BRACE = 0x7b;

/** What reads models is loaded only for what is no plan of a convolution. */
async function refuseModelPlan(value: unknown, where: string): Promise<void> {
  if (looksLikePlan(value) || looksLikeClientPlan(value)) return;
  const [{ looksLikeClientModel }, { looksLikeServerModel }] = await Promise.all([
    import('../model/clientModelFile.ts'),
    import('../model/serverModel.ts'),
  ]);
  if (![looksLikeModelPlan, looksLikeClientModel, looksLikeServerModel].some((looksLike) => looksLike(value)))
    return;
  throw new CipherconvError({
    code: 'unsupported',
    where,
    message: 'not supported yet: a model in single steps through files',
    hint: 'run PLAN does all of it; serve PLAN and infer --plan CLIENT are the two sides',
  });
}

/** Networks are asked over HTTP, or run in one process. */
function refuseNetwork(value: unknown, where: string): void {
  if (!looksLikeClientNetwork(value) && !looksLikeNetworkPlan(value)) return;
  throw new CipherconvError({
    code: 'unsupported',
    where,
    message: 'not supported yet: a network of one round in single steps through files',
    hint: 'run PLAN does all of it; serve PLAN and infer --plan CLIENT are the two sides',
  });
}

function wrongView(where: string, expected: string, found: string, hint: string): never {
  throw new CipherconvError({
    code: 'usage',
    where,
    message: 'not the side of the plan that this command needs',
    expected,
    found,
    hint,
  });
}

/**
 * The bytes of a secret key file. Says so when others may read it.
 * @throws CipherconvError `unreadable`.
 */
export async function readSecretKey(path: string, notice: (sentence: string) => void): Promise<Uint8Array> {
  const bytes = await readBytes(path);
  if (path === STANDARD_STREAM || process.platform === 'win32') return bytes;
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    const shown = (mode & 0o777).toString(8);
    notice(`warning: ${path}: others may use the secret key (mode ${shown}): chmod 600 ${path}`);
  }
  return bytes;
}

/** Runs `use` on the content of `file`; what it refuses is refused with the name of the file. */
export function naming<T>(path: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw named(path, error);
  }
}

/** The error with the name of the file in front of where it is. */
export function named(path: string, error: unknown): unknown {
  if (!(error instanceof CipherconvError) || error.code === 'internal') return error;
  const { where } = error.details;
  const file = displayName(path);
  return new CipherconvError(
    { ...error.details, where: where === undefined ? file : `${file}: ${where}` },
    { cause: error },
  );
}
