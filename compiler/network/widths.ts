import { CipherconvError } from '../base/errors.ts';
import type { Degree } from '../bfv/security.ts';
import type { NetworkProof, StageProof } from './prove.ts';
import type { NetworkSpec } from './spec.ts';

/** log2 of the number of integers from lo to hi. */
function rangeBits({ lo, hi }: Pick<StageProof, 'lo' | 'hi'>): number {
  return Math.log2(Number(hi - lo + 1n));
}

/** The stage whose values are wider than the squares of what it reads by most. */
function widestGrowth({ input }: NetworkSpec, { stages }: NetworkProof): StageProof | undefined {
  const inputBits = Math.log2(input.range.hi - input.range.lo + 1);
  const growth = stages.map((stage, index) => {
    const before = stages[index - 1];
    return rangeBits(stage) - (before === undefined ? inputBits : 2 * rangeBits(before));
  });
  return stages[growth.indexOf(Math.max(...growth))];
}

/** Too wide or too deep for every degree: what is how wide, where it gets wide, and what would help. */
export function widthRefusal(
  spec: NetworkSpec,
  proof: NetworkProof,
  refused: readonly { readonly degree: Degree; readonly reason: string }[],
): CipherconvError {
  const widths = proof.stages.map((stage) => `${stage.name} ${rangeBits(stage).toFixed(1)} bits`);
  const widest = widestGrowth(spec, proof)?.name ?? spec.name;
  return new CipherconvError({
    code: 'beyond-bfv',
    where: spec.name,
    message: 'the network does not fit',
    expected: refused.map(({ degree, reason }) => `N = ${degree}: ${reason}`).join('; '),
    found: `logits of ${proof.bits.toFixed(1)} bits, behind ${spec.stages.length - 1} squares: ${widths.join(', ')}`,
    hint:
      `${widest} adds most: fewer bits of its weights or of the input, fewer taps, or a network trained to a width ` +
      '(cipherconv fit --accumulator-bits)',
  });
}
