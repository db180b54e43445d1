import type { LintReport } from '../finding.ts';

/** `lint --format json`: one object on one line, with exactly the fields of the contract. */
export function jsonReport({ findings, layers }: LintReport): string {
  const contract = {
    findings,
    layers: layers.map(({ name, op, taps, interval, requiredBits, declaredBits, tiers }) => ({
      name,
      op,
      taps,
      interval,
      requiredBits,
      declaredBits,
      tiers,
    })),
  };
  return `${JSON.stringify(contract)}\n`;
}
