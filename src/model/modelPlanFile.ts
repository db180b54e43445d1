import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { canonicalJson, canonicalLines } from '../frontend/canonicalJson.ts';
import { freshBlind } from '../frontend/planDigest.ts';
import {
  looksLikeModelPlan,
  MODEL_PLAN_FORMAT,
  parsePlan,
  planFields,
  storedPlan,
} from '../frontend/planFile.ts';
import { PLAN_VERSION, requirePlanVersion } from '../frontend/planVersion.ts';
import { parseJson } from '../frontend/positions.ts';
import { schemaError } from '../frontend/schemaIssues.ts';
import { VERSION } from '../version.ts';
import { checkModelPlan } from './checkModelPlan.ts';
import { clientModelOf } from './clientModelOf.ts';
import { decodeClearModel, encodeClearModel } from './clearModelFile.ts';
import { cutFields, flowFields, flowOfFile } from './flowFields.ts';
import type { ModelLayer, ModelPlan } from './modelPlan.ts';
import { modelPlanFileSchema } from './modelPlanSchema.ts';
import type { ModelPlanFile } from './modelPlanSchema.ts';
import { deepFreeze } from '../../compiler/base/freeze.ts';

/**
 * A compiled model in one file: canonical JSON, as plan files are. The plan of each layer stands in it as its own plan file
 * would have it, and goes through the same schema, digest and proof; sub-models are base64, and hold no weights of
 * encrypted layers. The same model and version give the same bytes, unless it was blinded.
 */

function contentOf(plan: ModelPlan): object {
  return {
    format: MODEL_PLAN_FORMAT,
    version: PLAN_VERSION,
    compiler: VERSION,
    ...flowFields(plan),
    rounds: plan.rounds.map((round) =>
      round.map((layer) => ({ ...cutFields(layer), plan: planFields(layer.stored) })),
    ),
    network: encodeClearModel(plan.network),
  };
}

function checksumOf(content: object): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(content))));
}

/** Names the model in all its files: the digest of its client plan, which binds the layers' plans. */
export function modelPlanDigest(plan: ModelPlan): string {
  return clientModelOf(plan).digest;
}

/**
 * The same model with a fresh blind for each layer, so that neither their digests nor its own confirm guessed weights.
 * @throws CipherconvError `usage` for layers with hints, which follow from their digests: `compileModelAsync` blinds those.
 */
export function blindModelPlan(plan: ModelPlan): ModelPlan {
  const blinded = ({ stored, ...layer }: ModelLayer): ModelLayer => ({
    ...layer,
    stored: storedPlan(stored.plan, stored.layout, freshBlind()),
  });
  return { ...plan, rounds: plan.rounds.map((round) => round.map(blinded)) };
}

/** Text of a model's plan file. */
export function encodeModelPlan(plan: ModelPlan): string {
  const content = contentOf(plan);
  return canonicalLines({ ...content, digest: modelPlanDigest(plan), checksum: checksumOf(content) });
}

/**
 * Reads a model's plan file and trusts nothing in it: schema, digest, every layer's plan with its exhaustive proof, and
 * how tensors flow between the parts.
 * @throws CipherconvError `malformed-json`, `malformed-plan` or `plan-rejected`.
 */
export function parseModelPlan(text: string, file: string): ModelPlan {
  const value = parseJson(text, file);
  if (looksLikeModelPlan(value)) requirePlanVersion(value, file, 'compile the model again with this version');
  const result = modelPlanFileSchema.safeParse(value);
  if (!result.success) {
    const describeUnion = (): string => 'what compile writes';
    const kind = {
      code: 'malformed-plan',
      title: "a model's plan",
      schema: modelPlanFileSchema,
      describeUnion,
    } as const;
    throw schemaError(kind, result.error.issues, value, text, file);
  }
  const { digest, checksum, ...content } = result.data;
  requireDigest(file, checksumOf(content), checksum);
  const plan: ModelPlan = {
    ...flowOfFile(content, file),
    rounds: content.rounds.map((round) => round.map((layer) => decodeLayer(layer, file))),
    network: decodeClearModel(content.network, `${file}: network`),
  };
  checkModelPlan(plan, file);
  requireDigest(file, modelPlanDigest(plan), digest);
  return plan;
}

function requireDigest(file: string, expected: string, found: string): void {
  if (found === expected) return;
  throw new CipherconvError({
    code: 'malformed-plan',
    where: file,
    message: 'the plan was changed after it was made: its digest is wrong',
    expected,
    found,
    hint: 'compile the model again',
  });
}

function decodeLayer(layer: ModelPlanFile['rounds'][number][number], file: string): ModelLayer {
  const stored = parsePlan(JSON.stringify(layer.plan), `${file}: ${layer.name}`);
  return deepFreeze({ ...cutFields(layer), stored });
}
