/** Many inferences, one after the other and yet side by side. */

/** Of `inferMany`. */
export interface ManyOptions {
  /** Inferences under way at the same time, at least 1. Default 2: one is encrypted while the server works on another. */
  readonly atOnce?: number;
  /** Aborts all of them. */
  readonly signal?: AbortSignal;
}

const DEFAULT_AT_ONCE = 2;

/**
 * What `work` makes of each input, in the order of the inputs, with several under way at a time. Inputs are taken only as
 * fast as outputs are. The first failure ends it, when its turn comes.
 */
export async function* inOrder<Input, Output>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  work: (input: Input) => Promise<Output>,
  { atOnce = DEFAULT_AT_ONCE, signal }: ManyOptions,
): AsyncGenerator<Output, void, undefined> {
  const underWay: Promise<Output>[] = [];
  for await (const input of inputs) {
    signal?.throwIfAborted();
    const output = work(input);
    // Whoever takes it sees its failure; until then nobody does.
    output.catch(() => undefined);
    underWay.push(output);
    if (underWay.length >= Math.max(1, atOnce)) yield (await underWay.shift()) as Output;
  }
  for (const output of underWay) yield await output;
}
