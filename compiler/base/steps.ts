/**
 * Work that takes seconds, done in steps: whoever drives it decides at each what comes between, and may leave it there by
 * throwing. The compiler stays pure, and knows neither clocks nor signals.
 */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Does all of the work at once; `checkpoint` is called between two steps, and what it throws ends the work. */
export function finish<T>(steps: Steps<T>, checkpoint: () => void = () => undefined): T {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    checkpoint();
  }
}
