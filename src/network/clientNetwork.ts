import { CipherconvError } from '../../compiler/base/errors.ts';
import { deepFreeze } from '../../compiler/base/freeze.ts';
import { checkNetworkView } from '../../compiler/network/checkView.ts';
import type { NetworkView } from '../../compiler/network/view.ts';
import { canonicalLines } from '../frontend/canonicalJson.ts';
import { MAX_CLIENT_PLAN_LENGTH } from '../frontend/clientPlan.ts';
import { digestsOf } from '../frontend/planDigest.ts';
import { NETWORK_PLAN_VERSION, requirePlanVersion } from '../frontend/planVersion.ts';
import { parseJson } from '../frontend/positions.ts';
import { schemaError } from '../frontend/schemaIssues.ts';
import { CLIENT_NETWORK_FORMAT, clientNetworkSchema } from './clientNetworkSchema.ts';
import type { NetworkPort } from './port.ts';

/**
 * The client's part of a network of one round: what encrypting inputs and decrypting logits need, and of the weights
 * nothing but what the windows of the logits say of them. Runs in browsers.
 */
export interface ClientNetwork {
  /** What encrypting and decrypting need. */
  readonly view: NetworkView;
  /** How the model's input becomes integers. */
  readonly port: NetworkPort;
  /** Name of the output tensor. */
  readonly output: string;
  /** SHA-256 of what only the server holds, 64 lowercase hex digits. */
  readonly commitment: string;
  /** Of both sides of the plan, 64 lowercase hex digits. */
  readonly digest: string;
}

const NEW_ONE = 'compile the model again with this version and get the new client plan';
const GET_AGAIN = 'get the client plan again from where it comes';

type Part = Pick<ClientNetwork, 'view' | 'port' | 'output'>;

function clientPart({ view, port, output }: Part): object {
  return { format: CLIENT_NETWORK_FORMAT, version: NETWORK_PLAN_VERSION, port, output, view };
}

/** The client's part under the digest of both sides. */
export function digestedNetwork(part: Part, commitment: string): ClientNetwork {
  const { view, port, output } = part;
  const { digest } = digestsOf(clientPart(part), commitment, null);
  return deepFreeze({ view, port, output, commitment, digest });
}

/** Text of the client plan file of a network. The same network gives the same bytes, unless it was blinded. */
export function encodeClientNetwork(network: ClientNetwork): string {
  const { commitment, digest } = network;
  return canonicalLines({ ...clientPart(network), commitment, digest });
}

/** Whether parsed JSON says that it is the client plan of a network. */
export function looksLikeClientNetwork(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'format' in value && value.format === CLIENT_NETWORK_FORMAT
  );
}

/**
 * Reads the client plan of a network and trusts nothing in it: size, schema, the security table, bounds on all that a client
 * makes after it, and that the digest is the one of just this plan.
 * @param file name for messages
 * @throws CipherconvError `malformed-json`, `malformed-plan` or `plan-rejected`
 */
export function parseClientNetwork(text: string, file: string): ClientNetwork {
  if (text.length > MAX_CLIENT_PLAN_LENGTH)
    throw new CipherconvError({
      code: 'malformed-plan',
      where: file,
      message: 'too large for a client plan',
      expected: `at most ${MAX_CLIENT_PLAN_LENGTH} characters`,
      found: String(text.length),
    });
  const value = parseJson(text, file);
  if (looksLikeClientNetwork(value)) requirePlanVersion(value, file, NEW_ONE, NETWORK_PLAN_VERSION);
  const result = clientNetworkSchema.safeParse(value);
  if (!result.success) {
    const describeUnion = (): string => 'what compile --client-plan writes';
    const kind = {
      code: 'malformed-plan',
      title: 'the client plan of a network',
      schema: clientNetworkSchema,
      describeUnion,
    } as const;
    throw schemaError(kind, result.error.issues, value, text, file);
  }
  const { view, port, output, commitment, digest } = result.data;
  checkView(view, port, file);
  const network = digestedNetwork({ view, port, output }, commitment);
  if (network.digest === digest) return network;
  throw new CipherconvError({
    code: 'malformed-plan',
    where: file,
    message: 'the client plan was changed after it was made: its digest is wrong',
    expected: network.digest,
    found: digest,
    hint: `${GET_AGAIN}, and do not trust that place if this happens twice`,
  });
}

function checkView(view: NetworkView, { shape }: NetworkPort, file: string): void {
  const refuse = (where: string, details: Partial<CipherconvError['details']>, cause?: unknown): never => {
    const { message = '', expected, found } = details;
    throw new CipherconvError(
      {
        code: 'plan-rejected',
        where: `${file}: ${where}`,
        message: `the client plan cannot be followed: ${message}`,
        ...(expected === undefined ? {} : { expected }),
        ...(found === undefined ? {} : { found }),
        hint: GET_AGAIN,
      },
      { cause },
    );
  };
  try {
    checkNetworkView(view);
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    refuse(error.details.where ?? 'view', error.details, error);
  }
  const expected = [1, ...view.input.shape].join(', ');
  if (shape.join(', ') !== expected)
    refuse('port.shape', { message: 'not the input of the network', expected, found: shape.join(', ') });
}
