import type { Steps } from '../base/steps.ts';
import { CipherconvError } from '../base/errors.ts';
import type { CompileDemand, Draft } from '../lowering/lowering.ts';
import { compileUnder } from './compile.ts';
import type { ToeplitzPlan } from './plan.ts';
import type { ToeplitzProgram } from './program.ts';
import { breakEven, hintsPay, protocolCost } from './protocolCost.ts';
import { hintsArePossible, refuseConflicts } from './wanted.ts';

type ToeplitzDraft = Draft<ToeplitzPlan, ToeplitzProgram>;

/**
 * A toeplitz plan, not yet proved, of the protocol that the request says. `auto` is the standard protocol for a single
 * inference; for several both are compiled, and hints are taken where they cost no more for so many.
 * @throws CipherconvError `beyond-bfv`, or `unsupported` for what excludes each other.
 */
export function* compileToeplitz(demand: CompileDemand): Steps<ToeplitzDraft> {
  const { request } = demand;
  refuseConflicts(request);
  if (request.protocol !== 'auto') return yield* compileUnder(demand, request.protocol);
  const standard = yield* compileUnder(demand, 'standard');
  if (request.inferences < 2 || !hintsArePossible(request)) return standard;
  const hint = yield* hintOrNull(demand);
  if (hint === null) return standard;
  const costs = breakEven(protocolCost(standard.plan), protocolCost(hint.plan));
  return hintsPay(costs, request.objective, request.inferences) ? hint : standard;
}

/** The draft with hints, or null where the direct kernel does not take the weights or no parameters carry it. */
function* hintOrNull(demand: CompileDemand): Steps<ToeplitzDraft | null> {
  try {
    return yield* compileUnder(demand, 'hint');
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    return null;
  }
}
