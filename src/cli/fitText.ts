import { printable } from '../../compiler/base/printable.ts';
import type { Accuracy, FittedLayer, FitReport } from '../fit/fit.ts';

/** What `fit` says at its end. @param output where the model went; null for stdout */
export function fitText(report: FitReport, output: string | null): string {
  const { accuracy, logits, accumulatorBits } = report;
  const rows = [['layer', 'proved', 'bits', 'seen', 'bits', 'weights'], ...report.layers.map(layerRow)];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const table = rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`);
  return [
    `${printable(report.name)}: ${percent(accuracy.validation)} right on held-out pictures, ` +
      `${percent(accuracy.training)} on training pictures, in exact integers`,
    ...table.map((line) => line.trimEnd()),
    `every score is held to ${logits.provedBits.toFixed(2)} bits of ${accumulatorBits}, proved over all inputs; ` +
      `seen ${logits.seenBits.toFixed(2)}`,
    `trained in ${report.trainingSeconds.toFixed(0)} s of CPU, ${report.epochs} epochs, seed ${report.seed}`,
    ...(output === null ? [] : [`wrote ${printable(output)}`]),
    '',
  ].join('\n');
}

function layerRow({ name, proved, seen, weights }: FittedLayer): string[] {
  return [
    name,
    `[${proved.lo}, ${proved.hi}]`,
    proved.bits.toFixed(2),
    `[${seen.lo}, ${seen.hi}]`,
    seen.bits.toFixed(2),
    `${weights.nonZero} of ${weights.count} not 0, up to ${weights.largest}`,
  ];
}

function percent({ right, of }: Accuracy): string {
  return `${((100 * right) / of).toFixed(2)}% (${right} of ${of})`;
}
