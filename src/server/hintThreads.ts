import { CipherconvError } from '../../compiler/base/errors.ts';
import { workerFile } from '../../runtime/pool/workerFile.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { hintMessage } from './hintMessage.ts';
import type { HintReply } from './hintWorker.ts';

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

type Computed = Extract<HintReply, { kind: 'computed' }>;
type Compute = (stored: StoredPlan) => Promise<Computed>;

/**
 * The hints of plans, by their digest, with as many threads as there may be: each computes one hint at a time and holds what
 * that one takes. Plans of the standard protocol have none, and equal plans one.
 * @throws CipherconvError as `hintMessage` does, naming the file; the other hints are given up then.
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
    const { message, ms } = await compute(stored).catch((error: unknown) => {
      throw withFile(error, files.get(stored.digest));
    });
    made.set(stored.digest, { message, etag: `"${stored.hint?.sha256 ?? ''}"` });
    onHint(stored, message.length, ms);
  };
  const useful = Math.min(threads, wanted.size);
  const bytes = [...wanted.values()].reduce((sum, each) => sum + each.bytes, 0);
  if (useful < 2 || bytes < leastBytes) {
    for (const { stored } of wanted.values()) await add(stored, computeHere);
    return made;
  }
  // Loaded here: worker processes import this module for other reasons.
  const { Piscina } = await import('piscina');
  const pool = new Piscina<StoredPlan, HintReply>({
    filename: workerFile(import.meta.url, './hintWorker'),
    minThreads: useful,
    maxThreads: useful,
  });
  const compute: Compute = async (stored) => {
    const reply = await pool.run(stored);
    if (reply.kind === 'refused') throw new CipherconvError(reply.details);
    return reply;
  };
  try {
    // The largest first, so that none is left alone at the end.
    const order = [...wanted.values()].sort((one, other) => other.bytes - one.bytes);
    await Promise.all(order.map(({ stored }) => add(stored, compute)));
    return made;
  } finally {
    await pool.destroy();
  }
}

async function computeHere(stored: StoredPlan): Promise<Computed> {
  const began = performance.now();
  const message = await hintMessage(stored);
  return { kind: 'computed', message, ms: performance.now() - began };
}

/** Says which file it is about; anything but a refusal stays as it is. */
function withFile(error: unknown, file: string | undefined): unknown {
  if (!(error instanceof CipherconvError) || file === undefined) return error;
  const { where } = error.details;
  const details = { ...error.details, where: where === undefined ? file : `${file}: ${where}` };
  return new CipherconvError(details, { cause: error });
}
