import { uploadForm } from '../../compiler/lowerings/plan.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { planFacts } from '../runReport.ts';

/** What `compile --json` and `explain --json` print: the plan without weights, windows and packing details of layers. */
export function planSummary({ plan, layout, digest }: StoredPlan): object {
  return {
    digest,
    name: plan.spec.name,
    layout,
    ...planFacts(plan),
    requiredBits: plan.analysis.required.bits,
    declaredBits: plan.spec.accumulator?.bits ?? null,
    channels: plan.analysis.channels.map(({ lo, hi }) => [lo, hi]),
    securityBits: plan.parameters.securityBits,
    primes: {
      data: plan.parameters.dataPrimes,
      special: plan.parameters.specialPrime,
    },
    packing: { lowering: plan.lowering, degree: plan.parameters.degree, ...plan.packing },
    ...(plan.lowering === 'diagonals' ? { keys: plan.keys } : {}),
    noise: plan.noise,
    wire: { upload: uploadForm(plan), ...plan.wire },
    request: plan.request,
    report: { objective: plan.request.objective, ...plan.report },
  };
}
