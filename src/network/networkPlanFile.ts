import { CipherconvError } from '../../compiler/base/errors.ts';
import { verifyNetwork } from '../../compiler/network/verifyPlan.ts';
import { canonicalLines } from '../frontend/canonicalJson.ts';
import { NETWORK_PLAN_VERSION, requirePlanVersion } from '../frontend/planVersion.ts';
import { parseJson } from '../frontend/positions.ts';
import { schemaError } from '../frontend/schemaIssues.ts';
import { VERSION } from '../version.ts';
import { looksLikeNetworkPlan, NETWORK_PLAN_FORMAT, storeNetwork } from './networkPlan.ts';
import type { StoredNetwork } from './networkPlan.ts';
import { networkPlanSchema } from './networkPlanSchema.ts';

/** Text of a network's plan file: canonical JSON; the same network gives the same bytes, unless it was blinded. */
export function encodeNetworkPlan(stored: StoredNetwork): string {
  const { plan, port, output, blind, digest } = stored;
  return canonicalLines({
    format: NETWORK_PLAN_FORMAT,
    version: NETWORK_PLAN_VERSION,
    compiler: VERSION,
    port,
    output,
    plan,
    blind,
    digest,
  });
}

/**
 * Reads a network's plan file and trusts nothing in it: schema, every proof, then the digest.
 * @throws CipherconvError `malformed-json`, `malformed-plan`, `unsupported` or `plan-rejected`.
 */
export function parseNetworkPlan(text: string, file: string): StoredNetwork {
  const value = parseJson(text, file);
  if (looksLikeNetworkPlan(value))
    requirePlanVersion(value, file, 'compile the model again with this version', NETWORK_PLAN_VERSION);
  const result = networkPlanSchema.safeParse(value);
  if (!result.success) {
    const kind = {
      code: 'malformed-plan',
      title: "a network's plan",
      schema: networkPlanSchema,
      describeUnion: (): string => 'what compile writes',
    } as const;
    throw schemaError(kind, result.error.issues, value, text, file);
  }
  const { plan, port, output, blind, digest } = result.data;
  verifyNetwork(plan);
  const stored = storeNetwork({ plan, port, output, blind });
  if (digest === stored.digest) return stored;
  throw new CipherconvError({
    code: 'malformed-plan',
    where: file,
    message: 'the plan was changed after it was made: its digest is wrong',
    expected: stored.digest,
    found: digest,
    hint: 'compile the model again',
  });
}
