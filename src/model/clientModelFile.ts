import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { deepFreeze } from '../../compiler/base/freeze.ts';
import { canonicalJson, canonicalLines } from '../frontend/canonicalJson.ts';
import { clientPlanFields, parseClientPlan } from '../frontend/clientPlan.ts';
import { PLAN_VERSION, requirePlanVersion } from '../frontend/planVersion.ts';
import { parseJson } from '../frontend/positions.ts';
import { schemaError } from '../frontend/schemaIssues.ts';
import { checkFlow, refusal } from './checkFlow.ts';
import type { ClientLayer, ClientModel, ModelClientFlow } from './clientModel.ts';
import { CLIENT_MODEL_LIMITS, requireBounded, requireFewRounds } from './clientModelLimits.ts';
import { cutFields, flowFields, flowOfFile } from './flowFields.ts';
import { layersOf } from './modelFlow.ts';
import { clientModelFileSchema } from './modelPlanSchema.ts';
import type { ClientModelFile } from './modelPlanSchema.ts';

/**
 * The client plan of a model: canonical JSON with its clear segments and the client plan of each encrypted layer, weights of
 * none. Its digest names the model. It is SHA-256 of all the rest of this file; the layers' own digests in it bind what only
 * the server holds, so that one name binds both sides. Runs in browsers.
 */

const FORMAT = 'cipherconv-client-model';

const NEW_ONE = 'compile the model again with this version and get the new client plan';

/** Characters of the longest client plan of a model that is read. */
export const MAX_CLIENT_MODEL_LENGTH = 2 ** 27;

function contentOf(flow: ModelClientFlow): object {
  return {
    format: FORMAT,
    version: PLAN_VERSION,
    ...flowFields(flow),
    rounds: flow.rounds.map((round) =>
      round.map((layer) => ({ ...cutFields(layer), client: clientPlanFields(layer.client) })),
    ),
  };
}

function digestOf(content: object): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(content))));
}

/** The client's part of a model under its digest. */
export function digested(flow: ModelClientFlow): ClientModel {
  return { ...flow, digest: digestOf(contentOf(flow)) };
}

/** Text of the client plan file of a model. The same model gives the same bytes, unless it was blinded. */
export function encodeClientModel(model: ClientModel): string {
  return canonicalLines({ ...contentOf(model), digest: model.digest });
}

/** Whether parsed JSON says that it is the client plan of a model. */
export function looksLikeClientModel(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === FORMAT;
}

/**
 * Reads the client plan of a model and trusts nothing in it: sizes, schema, digest, every layer's client plan with all its
 * bounds, the clear segments by our own reader, and how tensors flow between the parts.
 * @param file name for messages
 * @throws CipherconvError `malformed-json`, `malformed-plan` or `plan-rejected`
 */
export function parseClientModel(text: string, file: string): ClientModel {
  if (text.length > MAX_CLIENT_MODEL_LENGTH) {
    throw new CipherconvError({
      code: 'malformed-plan',
      where: file,
      message: 'too large for the client plan of a model',
      expected: `at most ${MAX_CLIENT_MODEL_LENGTH} characters`,
      found: String(text.length),
    });
  }
  const value = parseJson(text, file);
  if (looksLikeClientModel(value)) requirePlanVersion(value, file, NEW_ONE);
  const result = clientModelFileSchema.safeParse(value);
  if (!result.success) {
    const describeUnion = (): string => 'what compile --client-plan writes';
    const kind = {
      code: 'malformed-plan',
      title: 'the client plan of a model',
      schema: clientModelFileSchema,
      describeUnion,
    } as const;
    throw schemaError(kind, result.error.issues, value, text, file);
  }
  const { digest, ...content } = result.data;
  const expected = digestOf(content);
  if (digest !== expected) {
    throw new CipherconvError({
      code: 'malformed-plan',
      where: file,
      message: 'the client plan was changed after it was made: its digest is wrong',
      expected,
      found: digest,
      hint: 'get the client plan again from where it comes, and do not trust that place if this happens twice',
    });
  }
  const refuse = refusal(file, 'get the client plan again from where it comes');
  requireFewRounds(content.rounds, refuse);
  const rounds = content.rounds.map((round) => round.map((layer) => clientLayer(layer, file)));
  const model: ClientModel = { ...flowOfFile(content, file), rounds, digest };
  requireBounded(layersOf(model), refuse, CLIENT_MODEL_LIMITS);
  checkFlow(model, ({ client }) => client.view.shape, refuse);
  return model;
}

function clientLayer(layer: ClientModelFile['rounds'][number][number], file: string): ClientLayer {
  const client = parseClientPlan(JSON.stringify(layer.client), `${file}: ${layer.name}`);
  return deepFreeze({ ...cutFields(layer), client });
}
