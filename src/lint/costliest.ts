import { printable } from '../../compiler/base/printable.ts';

/** Which layer of several costs most. */

/** What a layer's cost is told by. */
interface LayerCost {
  readonly name: string;
  /** Of one input. */
  readonly products: number;
  /** Bits that every sum needs. */
  readonly bits: number;
}

/**
 * A sentence: what a layer costs encrypted grows with its products and with the bits of its sums, which choose t and, with
 * it, q. A rule of thumb for comparing layers: `explain` has the figures of a plan. null for less than two layers.
 */
export function costliest(layers: readonly LayerCost[]): string | null {
  if (layers.length < 2) return null;
  const work = layers.map(({ products, bits }) => products * bits);
  const all = work.reduce((sum, each) => sum + each, 0);
  const most = work.reduce((best, each, index) => (each > work[best]! ? index : best), 0);
  const { name, bits } = layers[most]!;
  const share = Math.round((100 * work[most]!) / all);
  const widest = layers.reduce((best, layer) => (layer.bits > best.bits ? layer : best));
  const others =
    widest.bits > bits
      ? `; the widest sums, ${widest.bits} bits, are those of ${printable(widest.name)}`
      : '';
  return `costs most: ${printable(name)}, ${share}% of all products times bits of a sum (${bits} bits)${others}`;
}
