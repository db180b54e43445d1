import { Option } from '@commander-js/extra-typings';

const KINDS = ['none', 'random'] as const;

export type BlindKind = (typeof KINDS)[number];

/** `--blind`, for commands that write plans. */
export function blindOption(): Option<'--blind <kind>', undefined, 'none', undefined, false, BlindKind> {
  return new Option('--blind <kind>', 'random: nobody can confirm a guessed filter by the digest')
    .choices(KINDS)
    .default('none' as const);
}
