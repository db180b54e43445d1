import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import { uploadOfPart } from '../../compiler/toeplitz/parts.ts';
import type { Part } from '../../compiler/toeplitz/parts.ts';
import { buildToeplitz } from '../../compiler/toeplitz/program.ts';
import type { DisposableHandle } from '../../runtime/disposable.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import type { Evaluator } from '../../runtime/evaluator/evaluator.ts';
import { longWork } from '../../runtime/longWork.ts';
import { messageLengths } from '../../runtime/wire/lengths.ts';
import type { Kernel } from '../../compiler/lowering/plan.ts';
import type { MessageLengths } from '../../runtime/wire/lengths.ts';
import { decodeMessage, encodeMessage, messageBytes } from '../../runtime/wire/message.ts';
import { clientPlanOf, encodeClientPlan } from '../frontend/clientPlan.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

/** What a server says of a plan before it evaluates anything: sizes are exact and follow from the plan alone. */
export interface PlanService {
  /** Names the plan: 64 lowercase hex digits. */
  readonly digest: string;
  /** Name of the convolution. */
  readonly name: string;
  /** The client plan file, to be handed to whoever asks. */
  readonly clientPlanText: string;
  /** Exact bytes of every upload message. */
  readonly uploadBytes: number;
  /** Exact bytes of every response message. */
  readonly responseBytes: number;
  /** Exact bytes of the message with the evaluation keys; 0 for a plan that needs none. */
  readonly evaluationKeyBytes: number;
}

/** Who owns the filter, of one plan: computes on messages, and holds no key that decrypts. */
export interface PlanServer extends PlanService, DisposableHandle {
  /**
   * The response message to an upload message. Blocks the thread while it computes. Everything in the messages is
   * checked before SEAL sees it.
   * @param keys the client's message with evaluation keys, needed where `evaluationKeyBytes` is not 0
   * @throws CipherconvError `malformed-message`, `wrong-plan` or `malformed-tensor` for what a client got wrong, `usage`
   * for keys that are missing. After any other error the instance is not to be used again: dispose it.
   */
  evaluate(upload: Uint8Array, keys?: Uint8Array): Uint8Array;
  /**
   * Checks a message with evaluation keys without evaluating anything: its header and every coefficient.
   * @throws CipherconvError as `evaluate` does.
   */
  checkEvaluationKeys(keys: Uint8Array): void;
}

/** A plan that is prepared, and what that takes. */
export interface PreparedPlanServer extends PlanServer {
  /** What stays in memory for the plan, bytes: weights, what a kernel has laid out, and what it keeps of the program. */
  readonly preparedBytes: number;
}

/** Computes one part of a plan, for whoever puts the parts together. */
export interface PartServer extends DisposableHandle {
  /** The response message of the part. Blocks and throws as `PlanServer.evaluate` does. */
  evaluate(upload: Uint8Array): Uint8Array;
}

/** How a server computes; everything has a default. */
export interface PlanServerOptions {
  /** What the transformed weights may take, bytes; past it they are made on the fly. Default 1 GiB. */
  readonly weightMemoryBytes?: number;
  /** What all that stays prepared may take, bytes: weights are made on the fly where they do not fit beside the rest. Default: no limit. */
  readonly preparedMemoryBytes?: number;
  /** Default: the plan's. Both give the same bytes; `direct` needs a toeplitz plan that has its lanes. */
  readonly kernel?: Kernel;
  /** Told the work done and the total: plaintexts while preparing, products while evaluating. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What is said of a plan; loads no SEAL. */
export function describePlan(stored: StoredPlan): PlanService {
  return serviceOf(stored, messageLengths(clientView(stored.plan)));
}

function serviceOf(stored: StoredPlan, lengths: MessageLengths): PlanService {
  const { digest, plan } = stored;
  return {
    digest,
    name: plan.spec.name,
    clientPlanText: encodeClientPlan(clientPlanOf(stored)),
    ...messageSizes(lengths),
  };
}

/** The exact bytes of the messages. */
export function messageSizes({
  upload,
  response,
  keys,
}: MessageLengths): Pick<PlanService, 'uploadBytes' | 'responseBytes' | 'evaluationKeyBytes'> {
  return {
    uploadBytes: messageBytes(upload),
    responseBytes: messageBytes(response),
    evaluationKeyBytes: keys.length === 0 ? 0 : messageBytes(keys),
  };
}

/** @throws CipherconvError `usage` */
function missingKeys(bytes: number): never {
  throw new CipherconvError({
    code: 'usage',
    where: 'evaluation keys',
    message: 'the evaluation keys of the client are missing',
    expected: `a message of ${bytes} bytes`,
    found: 'none',
  });
}

/** What evaluates, of a plan or of a network: it takes and gives what a message holds. */
interface PartsEvaluator extends DisposableHandle {
  evaluate(upload: readonly Uint8Array[]): Uint8Array[];
  loadEvaluationKeys(keys: Uint8Array): void;
}

/** Messages in front of an evaluator, which this disposes of. */
export class MessageServer implements PlanServer {
  readonly digest: string;
  readonly name: string;
  readonly clientPlanText: string;
  readonly uploadBytes: number;
  readonly responseBytes: number;
  readonly evaluationKeyBytes: number;
  readonly #lengths: MessageLengths;
  readonly #evaluator: PartsEvaluator;

  constructor(service: PlanService, lengths: MessageLengths, evaluator: PartsEvaluator) {
    this.digest = service.digest;
    this.name = service.name;
    this.clientPlanText = service.clientPlanText;
    this.uploadBytes = service.uploadBytes;
    this.responseBytes = service.responseBytes;
    this.evaluationKeyBytes = service.evaluationKeyBytes;
    this.#lengths = lengths;
    this.#evaluator = evaluator;
  }

  evaluate(upload: Uint8Array, keys?: Uint8Array): Uint8Array {
    const { digest } = this;
    const parts = decodeMessage(upload, { kind: 'upload', digest, lengths: this.#lengths.upload });
    if (keys !== undefined) this.checkEvaluationKeys(keys);
    else if (this.evaluationKeyBytes > 0) missingKeys(this.evaluationKeyBytes);
    // The message is a copy, so what it is made of may be overwritten by the next.
    return encodeMessage('response', digest, this.#evaluator.evaluate(parts));
  }

  checkEvaluationKeys(keys: Uint8Array): void {
    const expected = { kind: 'keys', digest: this.digest, lengths: this.#lengths.keys } as const;
    for (const part of decodeMessage(keys, expected)) this.#evaluator.loadEvaluationKeys(part);
  }

  dispose(): void {
    this.#evaluator.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A plan's, which says what it keeps. */
class PreparedMessageServer extends MessageServer implements PreparedPlanServer {
  readonly preparedBytes: number;

  constructor(service: PlanService, lengths: MessageLengths, evaluator: Evaluator) {
    super(service, lengths, evaluator);
    this.preparedBytes = evaluator.preparedBytes;
  }
}

/**
 * Prepares a plan for evaluation in this thread. The plan must come from `parsePlan` or `compile`, which prove it.
 * @throws CipherconvError `plan-rejected` when SEAL does not take the plan's parameters.
 */
export async function createPlanServer(
  stored: StoredPlan,
  options: PlanServerOptions = {},
): Promise<PreparedPlanServer> {
  const lengths = messageLengths(clientView(stored.plan));
  const service = serviceOf(stored, lengths);
  return new PreparedMessageServer(
    service,
    lengths,
    await createEvaluator(stored.plan, { ...options, reuseResponse: true }),
  );
}

/**
 * Prepares one part of a toeplitz plan, proved as above.
 * @param part one of the plan's program
 */
export async function createPartServer(
  { plan, digest }: StoredPlan,
  part: Part,
  options: PlanServerOptions,
): Promise<PartServer> {
  if (plan.lowering !== 'toeplitz') throw internalError('a diagonals plan has no parts');
  const whole = messageLengths(clientView(plan)).upload;
  const program = longWork(() => buildToeplitz(plan));
  const lengths = uploadOfPart(plan, program, part).map((position) => whole[position]!);
  const evaluator = await createEvaluator(plan, { ...options, part, reuseResponse: true });
  const dispose = (): void => {
    evaluator.dispose();
  };
  return {
    evaluate: (upload) => {
      const parts = decodeMessage(upload, { kind: 'upload', digest, lengths });
      return encodeMessage('response', digest, evaluator.evaluate(parts));
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}
