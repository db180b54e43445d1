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
import { decodeClearModel, encodeClearModel } from './clearModelFile.ts';
import { checkModelPlan } from './checkModelPlan.ts';
import type { ModelLayer, ModelPlan, ModelSegment } from './modelPlan.ts';
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
    name: plan.name,
    inputs: plan.inputs,
    outputs: plan.outputs,
    segments: plan.segments.map((segment) =>
      segment === null ? null : { ...segment, model: encodeClearModel(segment.model) },
    ),
    rounds: plan.rounds.map((round) =>
      round.map(({ name, op, input, arrangement, output, stored }) => ({
        name,
        op,
        input,
        arrangement,
        output,
        plan: planFields(stored),
      })),
    ),
    clear: plan.clear,
    macs: plan.macs,
    network: encodeClearModel(plan.network),
  };
}

function digestOf(content: object): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(content))));
}

/** Names the model's plan: SHA-256 over the canonical JSON of all the rest of the file. */
export function modelPlanDigest(plan: ModelPlan): string {
  return digestOf(contentOf(plan));
}

/** The same model with a fresh blind for each layer, so that neither their digests nor its own confirm guessed weights. */
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
  return canonicalLines({ ...content, digest: digestOf(content) });
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
  const { digest, ...content } = result.data;
  const expected = digestOf(content);
  if (digest !== expected) {
    throw new CipherconvError({
      code: 'malformed-plan',
      where: file,
      message: 'the plan was changed after it was made: its digest is wrong',
      expected,
      found: digest,
      hint: 'compile the model again',
    });
  }
  const plan: ModelPlan = {
    name: content.name,
    inputs: content.inputs,
    outputs: content.outputs,
    segments: content.segments.map((segment, index) => decodeSegment(segment, `${file}: segments[${index}]`)),
    rounds: content.rounds.map((round) => round.map((layer) => decodeLayer(layer, file))),
    clear: content.clear,
    macs: content.macs,
    network: decodeClearModel(content.network, `${file}: network`),
  };
  checkModelPlan(plan, file);
  return plan;
}

function decodeSegment(segment: ModelPlanFile['segments'][number], where: string): ModelSegment | null {
  return segment === null ? null : { ...segment, model: decodeClearModel(segment.model, where) };
}

function decodeLayer(layer: ModelPlanFile['rounds'][number][number], file: string): ModelLayer {
  const { name, op, input, arrangement, output, plan } = layer;
  const stored = parsePlan(JSON.stringify(plan), `${file}: ${name}`);
  return deepFreeze({ name, op, input, arrangement, output, stored });
}
