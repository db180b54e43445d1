/** What a run costs, estimated, and which of two costs less. */

/**
 * What the search for a plan minimizes: `latency` the estimated milliseconds of a run, `bandwidth` the bytes of upload
 * and response, `total` the milliseconds of everything that one inference takes, what a client does beforehand included.
 * Bytes break ties of milliseconds, and milliseconds those of bytes.
 */
export type Objective = 'latency' | 'bandwidth' | 'total';

export interface CostEstimate {
  /** Client and server together, one thread, on the machine of the cost table. */
  readonly milliseconds: number;
  /** Upload and response, coefficients at the bits of q, seeded upload. */
  readonly bytes: number;
}

/** Below 0 where `left` is cheaper. */
export function compareEstimates(left: CostEstimate, right: CostEstimate, objective: Objective): number {
  switch (objective) {
    case 'latency':
    case 'total':
      return left.milliseconds - right.milliseconds || left.bytes - right.bytes;
    case 'bandwidth':
      return left.bytes - right.bytes || left.milliseconds - right.milliseconds;
    default:
      return objective satisfies never;
  }
}

export function describeEstimate({ milliseconds, bytes }: CostEstimate): string {
  return `${milliseconds.toFixed(2)} ms and ${bytes} bytes`;
}

/** Times are estimates: less than this part of a difference does not count, and the simpler, earlier candidate stays. */
const WORTHWHILE = 0.01;

/**
 * Whether a candidate of a search is so much cheaper that it replaces an earlier one. Between plans of lowerings, where
 * there is no earlier one, `compareEstimates` decides.
 */
export function isCheaper(left: CostEstimate, right: CostEstimate, objective: Objective): boolean {
  switch (objective) {
    case 'latency':
    case 'total':
      return (
        left.milliseconds < right.milliseconds * (1 - WORTHWHILE) ||
        (left.milliseconds === right.milliseconds && left.bytes < right.bytes)
      );
    case 'bandwidth':
      return (
        left.bytes < right.bytes || (left.bytes === right.bytes && left.milliseconds < right.milliseconds)
      );
    default:
      return objective satisfies never;
  }
}
