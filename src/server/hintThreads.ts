import { CipherconvError } from '../../compiler/base/errors.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { computeHint } from '../hint.ts';
import { openHintPool } from '../hintPool.ts';
import type { TimedHint } from '../hintPool.ts';
import { messageOfHint } from './hintMessage.ts';

/** The hint of a plan as it is served: the same bytes for everybody, for ever. */
export interface ServedHint {
  /** The whole message. */
  readonly message: Uint8Array<ArrayBuffer>;
  /** Its entity tag, quotes included. */
  readonly etag: string;
}

/** Told of a hint that was computed: whose, bytes of the message, milliseconds. */
export type HintObserver = (stored: StoredPlan, bytes: number, ms: number) => void;

/** How hints are computed. */
export interface HintWork {
  /** Threads that may compute, one hint each at a time. */
  readonly threads: number;
  readonly onHint: HintObserver;
  /** The files of plans, by digest, for messages. Default: they name the convolution alone. */
  readonly files?: ReadonlyMap<string, string>;
  /** Hints that are shorter together are computed before a thread is there: by this one. Default 1 MiB. */
  readonly leastBytes?: number;
}

const WORTH_THREADS_BYTES = 2 ** 20;

type Compute = (stored: StoredPlan) => Promise<TimedHint>;

/**
 * The hints of plans, by their digest, with as many threads as there may be: each computes one hint at a time and holds what
 * that one takes. Plans of the standard protocol have none, and equal plans one.
 * @throws CipherconvError as `messageOfHint` does, naming the file; the other hints are given up then.
 */
export async function servedHints(
  plans: readonly StoredPlan[],
  { threads, onHint, files = new Map(), leastBytes = WORTH_THREADS_BYTES }: HintWork,
): Promise<ReadonlyMap<string, ServedHint>> {
  const wanted = new Map<string, { readonly stored: StoredPlan; readonly bytes: number }>();
  for (const stored of plans)
    if (stored.hint !== null) wanted.set(stored.digest, { stored, bytes: stored.hint.bytes });
  const made = new Map<string, ServedHint>();
  const add = async (stored: StoredPlan, compute: Compute): Promise<void> => {
    try {
      const computed = await compute(stored);
      const message = messageOfHint(stored, computed);
      made.set(stored.digest, { message, etag: `"${stored.hint?.sha256 ?? ''}"` });
      onHint(stored, message.length, computed.ms);
    } catch (error) {
      throw withFile(error, files.get(stored.digest));
    }
  };
  const useful = Math.min(threads, wanted.size);
  const bytes = [...wanted.values()].reduce((sum, each) => sum + each.bytes, 0);
  if (useful < 2 || bytes < leastBytes) {
    for (const { stored } of wanted.values()) await add(stored, computeHere);
    return made;
  }
  await using pool = await openHintPool(useful);
  // The largest first, so that none is left alone at the end.
  const order = [...wanted.values()].sort((one, other) => other.bytes - one.bytes);
  await Promise.all(order.map(({ stored }) => add(stored, (each) => pool.compute(each))));
  return made;
}

async function computeHere(stored: StoredPlan): Promise<TimedHint> {
  const began = performance.now();
  const computed = await computeHint(stored);
  return { ...computed, ms: performance.now() - began };
}

/** Says which file it is about; anything but a refusal stays as it is. */
function withFile(error: unknown, file: string | undefined): unknown {
  if (!(error instanceof CipherconvError) || file === undefined) return error;
  const { where } = error.details;
  const details = { ...error.details, where: where === undefined ? file : `${file}: ${where}` };
  return new CipherconvError(details, { cause: error });
}
