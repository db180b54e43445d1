import { CipherconvError } from '../base/errors.ts';
import type { ConvSpec } from '../convolution/spec.ts';

/** Every convolution with at most this many inputs is taken. */
const CERTAIN_INPUTS = 1500;
/** Larger ones are taken while their products stay few enough to finish in a minute or so. */
const MOST_ENTRIES = 2 ** 24;

/** @throws CipherconvError `unsupported` for a convolution that would take too long. */
export function refuseLarge({ input, weights }: ConvSpec, outputs: number): void {
  const inputs = input.batch * input.channels * input.height * input.width;
  const taps = weights.channelsPerGroup * weights.kernelHeight * weights.kernelWidth;
  if (inputs <= CERTAIN_INPUTS || outputs * taps <= MOST_ENTRIES) return;
  throw new CipherconvError({
    code: 'unsupported',
    message: 'not supported yet: the diagonals lowering of a convolution this large',
    expected: `at most ${CERTAIN_INPUTS} inputs, or outputs x taps of at most ${MOST_ENTRIES}`,
    found: `${inputs} inputs, ${outputs} outputs x ${taps} taps`,
    hint: '--lowering toeplitz',
  });
}
