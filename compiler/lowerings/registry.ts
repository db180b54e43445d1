import { CipherconvError, internalError } from '../base/errors.ts';
import { diagonalsLowering } from '../diagonals/lowering.ts';
import type { Lowering } from '../lowering/lowering.ts';
import type { ClientViewBase, PlanBase } from '../lowering/plan.ts';
import { toeplitzLowering } from '../toeplitz/lowering.ts';
import type { ClientView, Plan } from './plan.ts';
import type { ToeplitzProgram } from '../toeplitz/program.ts';
import type { DiagonalsProgram } from '../diagonals/program.ts';

/** The lowerings that there are, the first that needs least among equals first: the only place that knows them all. */
export const LOWERINGS: readonly Lowering<Plan, Program, ClientView>[] = [
  toeplitzLowering,
  diagonalsLowering,
];

/**
 * The lowering of that name.
 * @throws CipherconvError `usage` when there is none
 */
export function loweringNamed<P extends PlanBase, R, V extends ClientViewBase>(
  lowerings: readonly Lowering<P, R, V>[],
  name: string,
): Lowering<P, R, V> {
  const lowering = lowerings.find((candidate) => candidate.name === name);
  if (lowering !== undefined) return lowering;
  throw new CipherconvError({
    code: 'usage',
    where: 'lowering',
    message: 'there is no lowering of this name',
    expected: lowerings.map((candidate) => candidate.name).join(', '),
    found: name,
  });
}

/** The lowering that made a plan. */
export function loweringOf<P extends PlanBase, R, V extends ClientViewBase>(
  lowerings: readonly Lowering<P, R, V>[],
  { lowering }: Pick<P, 'lowering'>,
): Lowering<P, R, V> {
  const found = lowerings.find(({ name }) => name === lowering);
  if (found === undefined) throw internalError(`no lowering is called ${lowering}`);
  return found;
}

/** The executable form of a plan, by its lowering. */
export type Program = ToeplitzProgram | DiagonalsProgram;
