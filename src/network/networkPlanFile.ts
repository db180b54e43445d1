import { CipherconvError } from '../../compiler/base/errors.ts';
import { deepFreeze } from '../../compiler/base/freeze.ts';
import { buildNetworkProgram } from '../../compiler/network/program.ts';
import { verifyNetwork } from '../../compiler/network/verifyPlan.ts';
import { networkView } from '../../compiler/network/view.ts';
import { canonicalLines } from '../frontend/canonicalJson.ts';
import { commitmentOf, digestsOf } from '../frontend/planDigest.ts';
import { PLAN_VERSION, requirePlanVersion } from '../frontend/planVersion.ts';
import { parseJson } from '../frontend/positions.ts';
import { schemaError } from '../frontend/schemaIssues.ts';
import { VERSION } from '../version.ts';
import type { StoredNetwork } from './networkPlan.ts';
import { NETWORK_PLAN_FORMAT, networkPlanSchema } from './networkPlanSchema.ts';

/** Whether parsed JSON says that it is the plan of a network of one round. */
export function looksLikeNetworkPlan(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'format' in value && value.format === NETWORK_PLAN_FORMAT
  );
}

/** The digest of a plan: of what clients need and, behind a commitment, of the rest (planDigest.ts). */
export function networkDigest({ plan, port, output, blind }: StoredNetwork): string {
  const view = networkView(plan, buildNetworkProgram(plan.spec, plan.parameters.degree, plan.layout));
  const clientPart = { format: NETWORK_PLAN_FORMAT, version: PLAN_VERSION, port, output, view };
  const serverPart = { format: NETWORK_PLAN_FORMAT, version: PLAN_VERSION, plan };
  return digestsOf(clientPart, commitmentOf(serverPart, blind), null).digest;
}

/** Text of a network's plan file: canonical JSON; the same network gives the same bytes, unless it was blinded. */
export function encodeNetworkPlan(stored: StoredNetwork): string {
  const { plan, port, output, blind } = stored;
  return canonicalLines({
    format: NETWORK_PLAN_FORMAT,
    version: PLAN_VERSION,
    compiler: VERSION,
    port,
    output,
    plan,
    blind,
    digest: networkDigest(stored),
  });
}

/**
 * Reads a network's plan file and trusts nothing in it: schema, every proof, then the digest.
 * @throws CipherconvError `malformed-json`, `malformed-plan`, `unsupported` or `plan-rejected`.
 */
export function parseNetworkPlan(text: string, file: string): StoredNetwork {
  const value = parseJson(text, file);
  if (looksLikeNetworkPlan(value))
    requirePlanVersion(value, file, 'compile the model again with this version');
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
  const stored: StoredNetwork = deepFreeze({ plan, port, output, blind });
  verifyNetwork(stored.plan);
  const expected = networkDigest(stored);
  if (digest === expected) return stored;
  throw new CipherconvError({
    code: 'malformed-plan',
    where: file,
    message: 'the plan was changed after it was made: its digest is wrong',
    expected,
    found: digest,
    hint: 'compile the model again',
  });
}
