/** Who was taken for whom. */
import { CLASSES } from './drawings.ts';

/** counts[digit][answer] */
export function confusion(digits: readonly number[], given: readonly number[]): number[][] {
  const counts = Array.from({ length: CLASSES }, () => new Array<number>(CLASSES).fill(0));
  digits.forEach((digit, index) => {
    counts[digit]![given[index]!]! += 1;
  });
  return counts;
}

export function confusionText(counts: readonly (readonly number[])[]): string {
  const cell = (text: number | string): string => String(text).padStart(4);
  const head = `drawn \\ answer ${counts.map((_, answer) => cell(answer)).join('')}`;
  const rows = counts.map(
    (row, digit) => `${cell(digit).padEnd(15)}${row.map((count) => cell(count || '.')).join('')}`,
  );
  return [head, ...rows].join('\n');
}

/** Share of right answers, 0 to 1. */
export function accuracy(digits: readonly number[], given: readonly number[]): number {
  return digits.filter((digit, index) => digit === given[index]).length / digits.length;
}
