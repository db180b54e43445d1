import type { ParsedConfig } from '../frontend/config.ts';
import type { Analysis } from './analyze.ts';
import type { Finding } from './finding.ts';

/** What a rule looks at. */
export interface Subject {
  readonly config: ParsedConfig;
  readonly analysis: Analysis;
}

/** A rule: findings about one convolution, from data alone. */
export type Rule = (subject: Subject) => Finding[];
