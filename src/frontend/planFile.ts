import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ErrorCode } from '../../compiler/base/errors.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { makeSpec } from '../../compiler/convolution/spec.ts';
import { verify } from '../../compiler/lowerings/verify.ts';
import { longWork } from '../../runtime/longWork.ts';
import { canonicalLines } from './canonicalJson.ts';
import { clientPart } from './clientPlan.ts';
import { commitmentOf, digestsOf } from './planDigest.ts';
import type { Blind, PlanHint } from './planDigest.ts';
import { hintFault } from './planHint.ts';
import { planFileSchema } from './planSchema.ts';
import { requirePlanVersion } from './planVersion.ts';
import { parseJson } from './positions.ts';
import type { TensorLayout } from './schema.ts';
import { schemaError } from './schemaIssues.ts';
import { deepFreeze } from '../../compiler/base/freeze.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

/** A plan as it is kept in a file. */
export interface StoredPlan {
  /** The plan itself, frozen. */
  readonly plan: Plan;
  /** Axis order of input and output tensors outside. */
  readonly layout: TensorLayout;
  /** Kept from clients, so that the digest confirms no guess of the filter; null for none. */
  readonly blind: Blind;
  /** SHA-256 of the blind and all of the plan, 64 lowercase hex digits; clients are told. */
  readonly commitment: string;
  /** What the hint is; null for plans of the standard protocol. */
  readonly hint: PlanHint | null;
  /** The digest without the hint, which the public polynomials follow from; the digest itself where there is none. */
  readonly coreDigest: string;
  /** Names the plan, in both views: 64 lowercase hex digits (planDigest.ts). */
  readonly digest: string;
}

/** A plan before its hint is known: all that the hint is computed from. */
export type PlanCore = Omit<StoredPlan, 'hint' | 'digest'>;

/** The same config, version and blind give the same digest. */
export function planDigest(plan: Plan, layout: TensorLayout, blind: Blind = null): string {
  return storedPlan(plan, layout, blind).digest;
}

/** A plan before its hint is known. */
export function planCore(plan: Plan, layout: TensorLayout, blind: Blind = null): PlanCore {
  const commitment = commitmentOf({ ...plan, layout }, blind);
  const { coreDigest } = digestsOf(clientPart(clientView(plan), layout), commitment, null);
  return { plan, layout, blind, commitment, coreDigest };
}

/**
 * A plan with its digest, when its hint is known.
 * @param hint what `describeHint` says of the hint; null for plans of the standard protocol
 * @throws CipherconvError `usage` for a hint that is not the plan's in size, or none where it has one.
 */
export function completePlan(core: PlanCore, hint: PlanHint | null): StoredPlan {
  const { plan, layout, commitment } = core;
  const view = clientView(plan);
  const fault = hintFault(view, hint);
  if (fault !== null)
    throw new CipherconvError({ code: 'usage', ...fault, hint: 'compute the hint of this plan' });
  return { ...core, hint, ...digestsOf(clientPart(view, layout), commitment, hint) };
}

/**
 * A plan of the standard protocol with its digest; what has a hint takes `planCore` and `completePlan`.
 * @param blind `freshBlind()`, or null: then the same plan has the same digest each time, and whoever guesses the filter can
 * confirm the guess
 * @throws CipherconvError `usage` for a plan that has a hint.
 */
export function storedPlan(plan: Plan, layout: TensorLayout, blind: Blind = null): StoredPlan {
  return completePlan(planCore(plan, layout, blind), null);
}

/** Everything that a plan file holds. */
export function planFields({ plan, layout, blind, hint, digest }: StoredPlan): object {
  return { ...plan, layout, blind, hint, digest };
}

/** Text of a plan file. The same plan and blind give the same bytes. */
export function encodePlan(stored: StoredPlan): string {
  return canonicalLines(planFields(stored));
}

function saysFormat(value: unknown, format: string): boolean {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === format;
}

/** Whether parsed JSON says that it is a plan. */
export function looksLikePlan(value: unknown): boolean {
  return saysFormat(value, 'cipherconv-plan');
}

/** The format of a whole model's plan, which has a plan for each of its layers. */
export const MODEL_PLAN_FORMAT = 'cipherconv-model-plan';

/** Whether parsed JSON says that it is the plan of a whole model. */
export function looksLikeModelPlan(value: unknown): boolean {
  return saysFormat(value, MODEL_PLAN_FORMAT);
}

function refuse(
  code: ErrorCode,
  file: string,
  message: string,
  cause: unknown,
  found?: string,
): CipherconvError {
  return new CipherconvError(
    {
      code,
      where: file,
      message,
      ...(found === undefined ? {} : { found }),
      hint: 'compile the config again',
    },
    { cause },
  );
}

/**
 * Reads a plan file and trusts nothing in it: schema, digest, spec, then the exhaustive proof.
 * @throws CipherconvError `malformed-json`, `malformed-plan` or `plan-rejected`.
 */
export function parsePlan(text: string, file: string): StoredPlan {
  const value = parseJson(text, file);
  if (looksLikeModelPlan(value)) {
    throw new CipherconvError({
      code: 'unsupported',
      where: file,
      message: 'not supported yet: the plan of a whole model here',
      expected: 'the plan of one convolution',
      hint: 'run, explain and serve take plans of models, and infer their client plans',
    });
  }
  if (looksLikePlan(value)) requirePlanVersion(value, file, 'compile the config again with this version');
  const schema = planFileSchema(value);
  const result = schema.safeParse(value);
  if (!result.success) {
    const describeUnion = (): string => 'what compile writes';
    const kind = { code: 'malformed-plan', title: 'a plan', schema, describeUnion } as const;
    throw schemaError(kind, result.error.issues, value, text, file);
  }
  const { digest, blind, layout, hint, ...fields } = result.data;
  const fault = hintFault(clientView(fields), hint);
  if (fault !== null) throw new CipherconvError({ code: 'plan-rejected', ...fault, where: `${file}: hint` });
  const read = completePlan(planCore(fields, layout, blind), hint);
  if (digest !== read.digest) {
    throw new CipherconvError({
      code: 'malformed-plan',
      where: file,
      message: 'the plan was changed after it was made: its digest is wrong',
      expected: read.digest,
      found: digest,
      hint: 'compile the config again',
    });
  }
  const plan: Plan = deepFreeze({ ...fields, spec: checkedSpec(fields, file) });
  proveRight(plan, file);
  return { ...read, plan };
}

function checkedSpec(plan: Plan, file: string): Plan['spec'] {
  try {
    return makeSpec(plan.spec);
  } catch (error) {
    throw refuse(
      'malformed-plan',
      file,
      'the convolution in the plan is not a valid one',
      error,
      reasonOf(error),
    );
  }
}

/** A forged plan may break an invariant that verify relies on; that, too, is a reason to refuse it. */
function proveRight(plan: Plan, file: string): void {
  try {
    longWork(() => {
      verify(plan);
    });
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code !== 'plan-rejected')
      throw refuse(
        'plan-rejected',
        file,
        'the plan does not compute its convolution',
        error,
        reasonOf(error),
      );
    const { where, ...details } = error.details;
    throw new CipherconvError(
      { ...details, where: where === undefined ? file : `${file}: ${where}` },
      { cause: error },
    );
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof CipherconvError) {
    const { where, message } = error.details;
    return where === undefined ? message : `${where}: ${message}`;
  }
  return error instanceof Error ? error.message : String(error);
}
