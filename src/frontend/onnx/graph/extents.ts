import { CipherconvError } from '../../../../compiler/base/errors.ts';
import { nearest } from '../../nearest.ts';
import type { ValueInfoProto } from '../proto/onnx_pb.ts';
import { malformed, quoted } from '../refusal.ts';
import type { OpenExtent } from '../../imported/types.ts';

/** An extent of a stated shape: a number, or the name of one that the file leaves open. */
export type StatedExtent = number | string;

/**
 * The shape that a model states, null for none. An open extent without a name is called by its tensor and axis: `x[2]`.
 * @throws CipherconvError `malformed-model` for extents past 2^53
 */
export function statedShape({ name, type }: ValueInfoProto, file: string): readonly StatedExtent[] | null {
  const value = type?.value;
  if (value?.case !== 'tensorType') return null;
  return (
    value.value.shape?.dim.map(({ value: extent }, axis) => {
      if (extent.case === 'dimParam' && extent.value !== '') return extent.value;
      if (extent.case !== 'dimValue' || extent.value <= 0n) return `${name}[${axis}]`;
      if (extent.value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(extent.value);
      throw malformed({
        where: file,
        message: `an extent of ${quoted(name)} is out of range`,
        expected: 'below 2^53',
        found: String(extent.value),
      });
    }) ?? null
  );
}

/** The symbolic extents of a model: those that are given or taken for granted, and those that are open. */
export class Extents {
  readonly known: Map<string, number>;
  readonly #given: readonly string[];
  readonly #symbols = new Set<string>();
  readonly #open = new Map<string, OpenExtent>();

  /** @throws CipherconvError `out-of-range` for what is no extent */
  constructor(given: ReadonlyMap<string, number> = new Map()) {
    for (const [name, extent] of given) {
      if (Number.isSafeInteger(extent) && extent >= 1) continue;
      throw new CipherconvError({
        code: 'out-of-range',
        where: `extent ${quoted(name)}`,
        message: 'not an extent',
        expected: 'a whole number of at least 1',
        found: String(extent),
      });
    }
    this.known = new Map(given);
    this.#given = [...given.keys()];
  }

  get open(): readonly OpenExtent[] {
    return [...this.#open.values()];
  }

  /** The shape of a graph input; its first extent is a batch of 1 where nothing else is said. */
  ofInput(input: string, stated: readonly StatedExtent[]): readonly number[] | null {
    stated.forEach((symbol, axis) => {
      if (typeof symbol === 'number' || this.known.has(symbol)) return;
      if (axis === 0) this.known.set(symbol, 1);
      else if (!this.#open.has(symbol)) this.#open.set(symbol, { symbol, input, axis });
    });
    return this.resolve(stated);
  }

  /** null where an extent is open. */
  resolve(stated: readonly StatedExtent[]): readonly number[] | null {
    const shape: number[] = [];
    for (const extent of stated) {
      if (typeof extent === 'string') this.#symbols.add(extent);
      const known = typeof extent === 'number' ? extent : this.known.get(extent);
      if (known !== undefined) shape.push(known);
    }
    return shape.length === stated.length ? shape : null;
  }

  /** @throws CipherconvError `usage` for a given name that the model does not use; all its shapes must have been resolved */
  requireUse(file: string): void {
    const symbols = [...this.#symbols];
    const unknown = this.#given.find((name) => !this.#symbols.has(name));
    if (unknown === undefined) return;
    const suggestion = nearest(unknown, symbols);
    throw new CipherconvError({
      code: 'usage',
      where: file,
      message: `the model has no symbolic extent ${quoted(unknown)}`,
      expected: symbols.length === 0 ? 'none: all its shapes are fixed' : symbols.map(quoted).join(', '),
      ...(suggestion === null ? {} : { hint: `did you mean ${quoted(suggestion)}?` }),
    });
  }
}

/** The flags that would say open extents. */
export function extentFlags(open: readonly OpenExtent[]): string {
  return open.map(({ symbol }) => `--extent ${symbol}=SIZE`).join(' ');
}
