import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import { canonicalLines } from '../frontend/canonicalJson.ts';
import { parsePlan, planFields } from '../frontend/planFile.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { PLAN_VERSION, requirePlanVersion } from '../frontend/planVersion.ts';
import { parseJson } from '../frontend/positions.ts';
import { schemaError } from '../frontend/schemaIssues.ts';
import { VERSION } from '../version.ts';
import type { ClientModel } from './clientModel.ts';
import { clientModelOf } from './clientModelOf.ts';
import { cutFields } from './flowFields.ts';
import { layersOf } from './modelFlow.ts';
import type { JoinedModel, ModelLayer, ModelPlan } from './modelPlan.ts';
import { serverModelFileSchema } from './modelPlanSchema.ts';

/** The server's part of a compiled model: the plans of its encrypted layers. Nothing of what the client computes. */
export interface ServerModel {
  /** Name of the graph. */
  readonly name: string;
  /** Names the model: 64 lowercase hex digits. The client plan has it, and is where it can be checked. */
  readonly digest: string;
  /** In the order in which they run, as `layersOf` of the client plan. */
  readonly layers: readonly StoredPlan[];
  /** Path of the client plan beside this file, which servers hand out; null for none. */
  readonly clientPlan: string | null;
}

const FORMAT = 'cipherconv-server-model';
const NEW_ONE = 'compile the model again with this version';

/** The server's part of a compiled model. @param clientPlan where the client plan will be, seen from the file */
export function serverModelOf(plan: ModelPlan, clientPlan: string | null): ServerModel {
  const layers = layersOf(plan).map(({ stored }) => stored);
  return { name: plan.name, digest: clientModelOf(plan).digest, layers, clientPlan };
}

/** Text of the file of a model's server part. */
export function encodeServerModel({ name, digest, layers, clientPlan }: ServerModel): string {
  return canonicalLines({
    format: FORMAT,
    version: PLAN_VERSION,
    compiler: VERSION,
    name,
    digest,
    clientPlan,
    layers: layers.map(planFields),
  });
}

/** Whether parsed JSON says that it is the server's part of a model. */
export function looksLikeServerModel(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === FORMAT;
}

/**
 * Reads the server's part of a model: schema, and every layer's plan with its digest and exhaustive proof.
 * @throws CipherconvError `malformed-json`, `malformed-plan` or `plan-rejected`
 */
export function parseServerModel(text: string, file: string): ServerModel {
  const value = parseJson(text, file);
  if (looksLikeServerModel(value)) requirePlanVersion(value, file, NEW_ONE);
  const result = serverModelFileSchema.safeParse(value);
  if (!result.success) {
    const describeUnion = (): string => 'what compile --client-plan writes to -o';
    const kind = {
      code: 'malformed-plan',
      title: "the server's part of a model",
      schema: serverModelFileSchema,
      describeUnion,
    } as const;
    throw schemaError(kind, result.error.issues, value, text, file);
  }
  const { name, digest, layers, clientPlan } = result.data;
  return {
    name,
    digest,
    layers: layers.map((layer, index) => parsePlan(JSON.stringify(layer), `${file}: layers[${index}]`)),
    clientPlan,
  };
}

/**
 * Refuses a client plan that belongs to another model.
 * @param file of the client plan, for messages
 * @throws CipherconvError `wrong-plan`
 */
export function requireSameModel(server: ServerModel, client: ClientModel, file: string): void {
  const layers = layersOf(client).map((layer) => layer.client.digest);
  const expected = [server.digest, ...server.layers.map(({ digest }) => digest)];
  const found = [client.digest, ...layers];
  const wrong = expected.findIndex((digest, index) => digest !== found[index]);
  if (wrong < 0 && expected.length === found.length) return;
  throw new CipherconvError({
    code: 'wrong-plan',
    where: wrong <= 0 ? `${file}: digest` : `${file}: layer ${wrong - 1}`,
    message: 'the client plan of another model',
    expected: expected[Math.max(wrong, 0)] ?? 'no such layer',
    found: found[Math.max(wrong, 0)] ?? 'no such layer',
    hint: 'compile the model again with --client-plan, and keep both files of one compile together',
  });
}

/**
 * Both parts as one compiled model, without the network to compare with, which neither has.
 * @throws CipherconvError `wrong-plan` for parts of two models
 */
export function joinModel(server: ServerModel, client: ClientModel, file: string): JoinedModel {
  requireSameModel(server, client, file);
  const { name, inputs, outputs, segments, clear, macs } = client;
  const layers = server.layers.values();
  const rounds = client.rounds.map((round) =>
    round.map((layer): ModelLayer => {
      const next = layers.next();
      if (next.done === true) throw internalError('the parts of a model have different numbers of layers');
      return { ...cutFields(layer), stored: next.value };
    }),
  );
  return { name, inputs, outputs, segments, rounds, clear, macs, network: null };
}
