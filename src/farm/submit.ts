import type { PlanQueue, UploadJobs, UploadOutcome } from './planQueue.ts';
import type { SubmittedKeys } from './submittedKeys.ts';
import type { FailureReason } from './job.ts';

/** One input of a batch. */
export interface FarmInput {
  /** What the submitter calls it: never sent. */
  readonly name: string;
  /** The upload message, as `encrypt` made it for the plan. */
  readonly message: Uint8Array;
  /** Its result was received before, by a process that died since: only what it left in the Redis is taken out. */
  readonly isReceived?: true;
}

/** What became of one input. */
export type FarmResult =
  | {
      /** It was evaluated. */
      readonly kind: 'done';
      /** The input's name. */
      readonly name: string;
      /** The response message, which only the holder of the secret key can read. */
      readonly response: Uint8Array;
    }
  | {
      /** No worker could evaluate it, as often as it was tried. */
      readonly kind: 'failed';
      /** The input's name. */
      readonly name: string;
      /** Name of the job in the failed set. */
      readonly job: string;
      /** What kind of failure it was. */
      readonly reason: FailureReason;
      /** What the worker said: the text of a stranger. */
      readonly text: string;
    };

/** An input that has ended, successfully or not, or could not be asked for. */
type Ended =
  | { readonly kind: 'result'; readonly jobs: UploadJobs; readonly result: FarmResult }
  | { readonly kind: 'broken'; readonly error: unknown };

/**
 * Has a batch evaluated, at most `inFlight` inputs at a time; results come as they are ready. A result is taken out of the
 * Redis when the next one is asked for, so that whoever dies over it finds it again.
 * @throws CipherconvError `server` when the Redis stays away, `malformed-message` for an input that is none of the plan; and
 * what the inputs throw.
 */
export async function* submitAll(
  queue: PlanQueue,
  inputs: AsyncIterable<FarmInput> | Iterable<FarmInput>,
  keys: SubmittedKeys | null,
  inFlight: number,
): AsyncGenerator<FarmResult, void, undefined> {
  const ended: Ended[] = [];
  let wake: () => void = () => undefined;
  const put = (one: Ended): void => {
    ended.push(one);
    wake();
  };
  // `isTaking`: one input is being made and let in; they come one after the other.
  const state = { running: 0, isOver: false, isTaking: false };
  const source = iteratorOf(inputs);
  const takeOne = async (): Promise<void> => {
    const next = await source.next();
    if (next.done === true) {
      state.isOver = true;
      return;
    }
    const { name, message, isReceived = false } = next.value;
    const jobs = queue.jobsOf(message, keys);
    if (isReceived) return queue.forget(jobs);
    await queue.room.enter(jobs.requests.length, jobs.bytes);
    state.running++;
    queue.run(jobs, null).then(
      (outcome) => {
        put({ kind: 'result', jobs, result: resultOf(name, outcome) });
      },
      (error: unknown) => {
        put({ kind: 'broken', error });
      },
    );
  };
  const fill = (): void => {
    if (state.isTaking || state.isOver || state.running >= inFlight) return;
    state.isTaking = true;
    takeOne().then(
      () => {
        state.isTaking = false;
        fill();
        wake();
      },
      (error: unknown) => {
        state.isOver = true;
        state.isTaking = false;
        put({ kind: 'broken', error });
      },
    );
  };
  try {
    for (;;) {
      fill();
      const next = ended.shift();
      if (next === undefined) {
        if (state.isOver && state.running === 0) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      if (next.kind === 'broken') throw next.error;
      yield next.result;
      await queue.forget(next.jobs);
      state.running--;
    }
  } finally {
    state.isOver = true;
    await source.return?.();
  }
}

function iteratorOf(
  inputs: AsyncIterable<FarmInput> | Iterable<FarmInput>,
): AsyncIterator<FarmInput> | Iterator<FarmInput> {
  return Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]();
}

function resultOf(name: string, outcome: UploadOutcome): FarmResult {
  if (outcome.kind === 'done') return { kind: 'done', name, response: outcome.response };
  const { job, reason, text } = outcome;
  return { kind: 'failed', name, job, reason, text };
}
