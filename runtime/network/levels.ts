import { internalError } from '../../compiler/base/errors.ts';
import type { BfvContext } from '../seal/context.ts';
import type { SealScope } from '../seal/scope.ts';

/** A context as it is with only the first data primes left: SEAL drops the last ones. */
export type LevelContext = BfvContext;

/** The contexts of all levels, by the number of data primes that are left; number 0 is nothing. */
export function openLevels(scope: SealScope, context: BfvContext): (LevelContext | null)[] {
  const levels: (LevelContext | null)[] = [null];
  let data = scope.own(context.context.firstContextData());
  for (let left = context.dataPrimeCount; left > 0; left--) {
    levels[left] = { ...context, firstParmsId: scope.own(data.parmsId()), dataPrimeCount: left };
    if (left > 1) data = scope.own(data.nextContextData());
  }
  return levels;
}

/** The level with `left` data primes. */
export function levelWith(levels: readonly (LevelContext | null)[], left: number): LevelContext {
  const level = levels[left];
  if (level === null || level === undefined) throw internalError(`no level of ${left} data primes`);
  return level;
}
