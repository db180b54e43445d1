import { CipherconvError } from '../base/errors.ts';
import type { Degree } from '../bfv/security.ts';
import type { NetworkProof, StageProof } from './prove.ts';
import { log2 } from './ranges.ts';
import type { NetworkSpec } from './spec.ts';

/** Why a ring does not carry a network. */
export interface Obstacle {
  /** More values than slots; wider logits than the plain moduli reach; or more noise than q allows. */
  readonly kind: 'slots' | 'width' | 'noise';
  /** For people. */
  readonly reason: string;
}

export interface Refused {
  readonly degree: Degree;
  readonly obstacle: Obstacle;
}

/** log2 of the number of integers from lo to hi. */
function rangeBits({ lo, hi }: Pick<StageProof, 'lo' | 'hi'>): number {
  return log2(hi - lo + 1n);
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

/** Slots run out by the number of values, everything else by their widths. */
function wayOn(spec: NetworkSpec, proof: NetworkProof, refused: readonly Refused[]): string {
  if (refused.some(({ obstacle }) => obstacle.kind === 'slots'))
    return 'fewer values between the layers: larger strides, fewer filters or outputs, or an average pool before the square';
  const widest = widestGrowth(spec, proof)?.name ?? spec.name;
  return (
    `${widest} adds most: fewer bits of its weights or of the input, fewer taps, or a network trained to a width ` +
    '(cipherconv fit --accumulator-bits)'
  );
}

/** Too large, too wide or too deep for every degree: what is how wide, where it gets wide, and what would help. */
export function networkRefusal(
  spec: NetworkSpec,
  proof: NetworkProof,
  refused: readonly Refused[],
): CipherconvError {
  const widths = proof.stages.map((stage) => `${stage.name} ${rangeBits(stage).toFixed(1)} bits`);
  return new CipherconvError({
    code: 'beyond-bfv',
    where: spec.name,
    message: 'the network does not fit',
    expected: refused.map(({ degree, obstacle }) => `N = ${degree}: ${obstacle.reason}`).join('; '),
    found: `logits of ${proof.bits.toFixed(1)} bits, behind ${spec.stages.length - 1} squares: ${widths.join(', ')}`,
    hint: wayOn(spec, proof, refused),
  });
}
