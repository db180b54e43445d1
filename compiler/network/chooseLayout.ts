import { networkMilliseconds } from './cost.ts';
import { bitsFor, denseLayout, firstLayout } from './placement.ts';
import type { StageChoice, StageLayout } from './placement.ts';
import type { StagePrimes } from './program.ts';
import { firstStage } from './spec.ts';
import type { NetworkSpec } from './spec.ts';

/** A layout of the whole network and what it costs. */
export interface LayoutCandidate {
  readonly choices: readonly StageChoice[];
  readonly milliseconds: number;
}

/** Numbers of shared rotations that are tried for `offsets` distances. */
function babyCounts(offsets: number): number[] {
  const counts = Array.from({ length: Math.min(offsets, 16) }, (_, index) => index + 1);
  return offsets > 16 ? [...counts, 32, 64].filter((count) => count <= offsets) : counts;
}

/** Every choice for a dense stage. */
function stageChoices(outputs: number, layout: StageLayout): { choice: StageChoice; layout: StageLayout }[] {
  const size = bitsFor(outputs);
  const copies = layout.output.roles.filter((role) => role === 'copy').length;
  const found: { choice: StageChoice; layout: StageLayout }[] = [];
  for (let copyBits = 0; copyBits <= Math.min(size, copies); copyBits++) {
    for (const inner of copyBits === size ? (['data'] as const) : (['data', 'junk'] as const)) {
      const next = denseLayout(layout.output, outputs, { copyBits, inner, babies: 1 });
      if (next === null) continue;
      for (const babies of babyCounts(next.offsets))
        found.push({ choice: { copyBits, inner, babies }, layout: next });
    }
  }
  return found;
}

/** Data primes as a network of this depth usually has them: what layouts are compared with. */
function usualPrimes(stages: number): StagePrimes[] {
  return Array.from({ length: stages }, (_, index) => ({
    products: stages - index,
    sums: stages - index,
  }));
}

/** The cheapest layout, and how many were looked at; null where none fits. Layouts are explored stage by stage, the best kept. */
export function chooseLayout(
  spec: NetworkSpec,
  degree: number,
): { readonly best: LayoutCandidate; readonly considered: number } | null {
  const first = firstLayout(firstStage(spec).outputs, Math.log2(degree));
  if (first === null) return null;
  const primes = usualPrimes(spec.stages.length);
  let considered = 0;
  let partial: { choices: StageChoice[]; layouts: StageLayout[] }[] = [{ choices: [], layouts: [first] }];
  for (const stage of spec.stages.slice(1)) {
    const cheapest = new Map<string, { choices: StageChoice[]; layouts: StageLayout[]; cost: number }>();
    for (const { choices, layouts } of partial) {
      for (const { choice, layout } of stageChoices(stage.outputs, layouts[layouts.length - 1]!)) {
        considered++;
        const next = { choices: [...choices, choice], layouts: [...layouts, layout] };
        const cost = networkMilliseconds(spec, next.layouts, next.choices, primes, degree);
        // What follows depends on where the outputs stand, and on nothing else.
        const key = JSON.stringify(layout.output);
        const known = cheapest.get(key);
        if (known === undefined || cost < known.cost) cheapest.set(key, { ...next, cost });
      }
    }
    partial = [...cheapest.values()];
  }
  const candidates = partial.map(({ choices, layouts }) => ({
    choices,
    milliseconds: networkMilliseconds(spec, layouts, choices, primes, degree),
  }));
  const [best] = candidates.sort((left, right) => left.milliseconds - right.milliseconds);
  return best === undefined ? null : { best, considered };
}
