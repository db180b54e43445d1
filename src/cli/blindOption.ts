import { Option } from '@commander-js/extra-typings';
import { freshBlind } from '../frontend/planDigest.ts';
import type { Blind } from '../frontend/planDigest.ts';

const KINDS = ['none', 'random'] as const;

export type BlindKind = (typeof KINDS)[number];

/** `--blind`, for commands that write plans. */
export function blindOption(): Option<'--blind <kind>', undefined, 'none', undefined, false, BlindKind> {
  return new Option('--blind <kind>', 'random: nobody can confirm a guessed filter by the digest')
    .choices(KINDS)
    .default('none' as const);
}

export function blindOf(kind: BlindKind): Blind {
  return kind === 'random' ? freshBlind() : null;
}
