import { z } from 'zod';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ErrorDetails } from '../../compiler/base/errors.ts';
import { keyBytes } from '../../compiler/lowerings/plan.ts';
import type { ClientView, Plan } from '../../compiler/lowerings/plan.ts';
import { checkClientView } from '../../compiler/lowerings/checkView.ts';
import { canonicalLines } from './canonicalJson.ts';
import { digestsOf } from './planDigest.ts';
import type { PlanHint } from './planDigest.ts';
import { hintFault } from './planHint.ts';
import {
  convShape,
  diagonalsPacking,
  fileShape,
  hex32,
  parameters,
  planWire,
  saysDiagonals,
  sealSeededWire,
  toeplitzPacking,
} from './planSchema.ts';
import { PLAN_VERSION, requirePlanVersion } from './planVersion.ts';
import { parseJson } from './positions.ts';
import type { TensorLayout } from './schema.ts';
import { schemaError } from './schemaIssues.ts';
import type { DiagonalsView } from '../../compiler/diagonals/plan.ts';
import type { ToeplitzView } from '../../compiler/toeplitz/plan.ts';
import { deepFreeze } from '../../compiler/base/freeze.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

/**
 * The client's part of a plan: what encrypting and decrypting need, and nothing of the weights or biases but what the
 * decode windows say of them. Runs in browsers.
 */
export interface ClientPlan {
  /** What encrypting and decrypting need. */
  readonly view: ClientView;
  /** Axis order of input and output tensors outside. */
  readonly layout: TensorLayout;
  /** SHA-256 of what only the server holds, 64 lowercase hex digits. */
  readonly commitment: string;
  /** What the hint must be; null for plans of the standard protocol. */
  readonly hint: PlanHint | null;
  /** The digest without the hint, which the public polynomials follow from; the digest itself where there is none. */
  readonly coreDigest: string;
  /** Of both views, 64 lowercase hex digits: it binds every word of this one, and the commitment (planDigest.ts). */
  readonly digest: string;
}

const FORMAT = 'cipherconv-client-plan';

const NEW_ONE = 'compile the config again with this version and get the new client plan';

/** Characters of the longest client plan that is read. */
export const MAX_CLIENT_PLAN_LENGTH = 2 ** 24;

/** One issue for a whole list, however many of its entries are wrong: lists from outside may be long. */
const integers = z.custom<readonly number[]>(
  (value) => Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry)),
  'an array of integers',
);

const viewShape = {
  shape: convShape,
  parameters,
  windows: z.strictObject({ low: integers, residueLow: integers }),
  transfer: z.strictObject({ usedChunks: integers, emptyRows: integers }),
};

const toeplitzShape = {
  ...viewShape,
  lowering: z.literal('toeplitz'),
  packing: toeplitzPacking,
  wire: planWire,
};
const diagonalsShape = {
  ...viewShape,
  lowering: z.literal('diagonals'),
  packing: diagonalsPacking,
  wire: sealSeededWire,
  keys: z.strictObject({ steps: integers, exchange: z.boolean(), bytes: z.int().min(0) }),
};

const header = {
  format: z.literal(FORMAT),
  version: z.literal(PLAN_VERSION),
  commitment: hex32,
  ...fileShape,
};
// `satisfies`: they fail to compile when a view and its schema drift apart.
const toeplitzFile = z.strictObject({ ...header, ...toeplitzShape }) satisfies z.ZodType<ToeplitzView>;
const diagonalsFile = z.strictObject({ ...header, ...diagonalsShape }) satisfies z.ZodType<DiagonalsView>;

/** The client's part of a stored plan. */
export function clientPlanOf(stored: Omit<ClientPlan, 'view'> & { readonly plan: Plan }): ClientPlan {
  const { plan, layout, commitment, hint, coreDigest, digest } = stored;
  return deepFreeze({ view: clientView(plan), layout, commitment, hint, coreDigest, digest });
}

/** What the core digest binds of the client plan: all of it but the digest, the commitment and the hint. */
export function clientPart(view: ClientView, layout: TensorLayout): object {
  return { format: FORMAT, version: PLAN_VERSION, ...view, layout };
}

/** Everything that a client plan file holds. */
export function clientPlanFields({ view, layout, commitment, hint, digest }: ClientPlan): object {
  return { ...clientPart(view, layout), commitment, hint, digest };
}

/** Text of a client plan file. The same plan gives the same bytes. */
export function encodeClientPlan(plan: ClientPlan): string {
  return canonicalLines(clientPlanFields(plan));
}

/** Whether parsed JSON says that it is a client plan. */
export function looksLikeClientPlan(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === FORMAT;
}

/**
 * Reads a client plan and trusts nothing in it: schema, the security table, bounds on everything that a client will make
 * after it, and that the digest is the one of just this plan, all before anything is made.
 * @param file name for messages
 * @throws CipherconvError `malformed-json`, `malformed-plan` or `plan-rejected`.
 */
export function parseClientPlan(text: string, file: string): ClientPlan {
  if (text.length > MAX_CLIENT_PLAN_LENGTH) {
    throw new CipherconvError({
      code: 'malformed-plan',
      where: file,
      message: 'too large for a client plan',
      expected: `at most ${MAX_CLIENT_PLAN_LENGTH} characters`,
      found: String(text.length),
    });
  }
  const value = parseJson(text, file);
  if (looksLikeClientPlan(value)) requirePlanVersion(value, file, NEW_ONE);
  const schema = saysDiagonals(value) ? diagonalsFile : toeplitzFile;
  const result = schema.safeParse(value);
  if (!result.success) {
    const describeUnion = (): string => 'what compile --client-plan writes';
    const kind = { code: 'malformed-plan', title: 'a client plan', schema, describeUnion } as const;
    throw schemaError(kind, result.error.issues, value, text, file);
  }
  const { digest, commitment, layout, hint } = result.data;
  const view = viewOf(result.data);
  checkView(view, file);
  const wrong = hintFault(view, hint);
  if (wrong !== null) throw cannotFollow(file, wrong, undefined);
  const digests = digestsOf(clientPart(view, layout), commitment, hint);
  if (digest !== digests.digest) throw wrongDigest(file, digests.digest, digest);
  return deepFreeze({ view, layout, commitment, hint, ...digests });
}

function wrongDigest(file: string, expected: string, found: string): CipherconvError {
  return new CipherconvError({
    code: 'malformed-plan',
    where: file,
    message: 'the client plan was changed after it was made: its digest is wrong',
    expected,
    found,
    hint: 'get the client plan again from where it comes, and do not trust that place if this happens twice',
  });
}

function viewOf(data: z.output<typeof toeplitzFile> | z.output<typeof diagonalsFile>): ClientView {
  const { shape, parameters, windows, transfer } = data;
  const view = { shape, parameters, windows, transfer };
  return data.lowering === 'diagonals'
    ? { ...view, lowering: data.lowering, packing: data.packing, wire: data.wire, keys: data.keys }
    : { ...view, lowering: data.lowering, packing: data.packing, wire: data.wire };
}

function checkView(view: ClientView, file: string): void {
  try {
    checkClientView(view);
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    throw cannotFollow(file, error.details, error);
  }
}

type Reason = Pick<ErrorDetails, 'where' | 'message' | 'expected' | 'found'>;

function cannotFollow(
  file: string,
  { where, message, expected, found }: Reason,
  cause: unknown,
): CipherconvError {
  return new CipherconvError(
    {
      code: 'plan-rejected',
      where: where === undefined ? file : `${file}: ${where}`,
      message: `the client plan cannot be followed: ${message}`,
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
      hint: 'get the client plan again from where it comes',
    },
    { cause },
  );
}

/** Bytes of the evaluation keys that the plan needs; 0 for none. */
export function keyBytesOf({ view }: ClientPlan): number {
  return keyBytes(view);
}
