import type { Tensor } from '../../compiler/base/tensor.ts';
import type { DisposableHandle } from '../../runtime/disposable.ts';
import type { ClientPlan } from '../frontend/clientPlan.ts';
import type { Shape4 } from '../frontend/layouts.ts';

/** One inference: an upload message, and what reads its response. Nothing can be encrypted with it again. */
export interface PlanExchange {
  /** The upload message. A request that is sent again sends these same bytes. */
  readonly upload: Uint8Array;
  /**
   * The accumulators, NCHW, from the response message; with hints once, then the exchange has ended.
   * @throws CipherconvError `malformed-message`, `wrong-plan` or `malformed-tensor`, after which another response may be
   * tried; `usage` after the end. Whether this throws is for the client alone: a server that learns of it learns about the key.
   */
  decrypt(response: Uint8Array): Tensor;
  /**
   * The smallest noise budget of the response at its outputs, bits, by SEAL's formula; before `decrypt`. Null where nothing
   * came back encrypted. It costs about as much as decryption, and it is for the client alone, as decryption is.
   * @throws CipherconvError as `decrypt` does.
   */
  noiseBudgetBits(response: Uint8Array): number | null;
  /**
   * What reads the response, in our own format, for a client that goes away in between (`decryptWithOneTimeKey`).
   * @throws CipherconvError `usage` without hints, and after the end.
   */
  exportOneTimeKey(): Uint8Array;
  /** Overwrites what is left of the key; twice is nothing. */
  end(): void;
}

/**
 * Who owns the data, of one plan. Tensors are NCHW, as everywhere in this API, whatever `plan.layout` says: that is how the
 * files of the plan's owner lie, and `nchwOf` and `inLayout` lead there and back. Messages are as they travel.
 */
export interface PlanClient extends DisposableHandle {
  /** The client plan. */
  readonly plan: ClientPlan;
  /** Exact bytes of every upload message. */
  readonly uploadBytes: number;
  /** Exact bytes of every response message. */
  readonly responseBytes: number;
  /** Exact bytes of the message with the evaluation keys; 0 for a plan that needs none. */
  readonly evaluationKeyBytes: number;
  /** Extents of what `encrypt` takes, NCHW. */
  readonly inputShape: Shape4;
  /** Extents of what `decrypt` returns, NCHW. */
  readonly outputShape: Shape4;
  /**
   * Encrypts one input (raw values, NCHW): its upload, and what reads the response. With hints every call has a secret of its
   * own, prepared ahead where `prepare` was called.
   * @throws CipherconvError `shape-mismatch`, or `out-of-range` for a value outside the plan's input range.
   */
  begin(input: Tensor): PlanExchange;
  /**
   * The upload message of one input (raw values, NCHW). Every call draws fresh randomness, so that two
   * uploads of one input tell nothing of each other.
   * @throws CipherconvError `shape-mismatch`, or `out-of-range` for a value outside the plan's input range; `usage` with
   * hints, where `begin` is the way.
   */
  encrypt(input: Tensor): Uint8Array;
  /**
   * The accumulators, NCHW, from a response message.
   * @throws CipherconvError `malformed-message`, `wrong-plan` or `malformed-tensor`; `usage` with hints. Whether this throws is for the
   * client alone: a server that learns of it learns about the key.
   */
  decrypt(response: Uint8Array): Tensor;
  /**
   * The message with the keys that the server needs for rotations, made at every call; a mere header for a plan that
   * needs none (`evaluationKeyBytes` is 0 then), which servers take and ignore.
   */
  evaluationKeys(): Uint8Array;
  /**
   * The secret key in our own format, for safekeeping: whoever has it reads everything encrypted with it.
   * @throws CipherconvError `usage` with hints, where no key serves twice.
   */
  exportSecretKey(): Uint8Array;
  /**
   * Makes what `inputs` inputs will need ahead of time: encryptions of zero, and with hints one-time keys.
   * @throws CipherconvError `unsupported` for a diagonals plan; `usage` for what is no whole number from 0 to 1,000.
   */
  prepare(inputs: number): void;
}

/** How a client is made; everything has a default. */
export interface PlanClientOptions {
  /**
   * A key that `exportSecretKey` gave for this plan. Default: a fresh one. Fresh keys each session are the advice: a key
   * that is kept can be lost, and one that is used for long is worth more to whoever takes it.
   */
  readonly secretKey?: Uint8Array;
  /** The hint of a plan that has one, without a message header: compared with the plan's hash, and kept. */
  readonly hint?: Uint8Array;
}
