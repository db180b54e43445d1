import type { PlanRequest } from './plan.ts';

/** A request of which anything may be left out. */
export type RequestOptions = Partial<PlanRequest>;

/** A common access line; what it takes to send a byte is only weighed by the form of uploads. */
const DEFAULT_LINK_MEGABITS_PER_SECOND = 100;

/** The request with its defaults. */
export function planRequest(options: RequestOptions): PlanRequest {
  return {
    lowering: options.lowering ?? 'auto',
    objective: options.objective ?? 'latency',
    degree: options.degree ?? 'auto',
    security: options.security ?? 128,
    failure: options.failure ?? 'auto',
    kernel: options.kernel ?? 'auto',
    upload: options.upload ?? 'auto',
    protocol: options.protocol ?? 'auto',
    engine: options.engine ?? 'auto',
    inferences: options.inferences ?? 1,
    linkMegabitsPerSecond: options.linkMegabitsPerSecond ?? DEFAULT_LINK_MEGABITS_PER_SECOND,
  };
}
