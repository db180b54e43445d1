import { elementCount } from '../../compiler/base/tensor.ts';
import type { JsonPath } from './positions.ts';

/** Why an array from JSON is not a tensor of the shape it should have. `path` leads from the array to the fault. */
interface NestingFault {
  readonly kind: 'count' | 'nesting' | 'element';
  readonly path: JsonPath;
  readonly message: string;
  readonly expected: string;
  readonly found: string;
}

export type Nesting = 'flat' | 'nested';

export type Flattened =
  | { readonly ok: true; readonly nesting: Nesting; readonly values: Float64Array }
  | { readonly ok: false; readonly fault: NestingFault };

/** Says in a few words what a JSON value is. */
export function describeJson(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/**
 * Flattens an array that is flat (C order) or nested exactly like `shape`, whose elements must be safe integers; `what` is one of them in words.
 * A flat array of the right count is taken for any shape. Never recurses deeper than the shape has axes.
 */
export function flattenNested(array: readonly unknown[], shape: readonly number[], what: string): Flattened {
  const nesting: Nesting = shape.length > 1 && Array.isArray(array[0]) ? 'nested' : 'flat';
  const levels = nesting === 'flat' ? [elementCount(shape)] : shape;
  // Grows with the data: a shape that lies must not make us reserve memory for it.
  const filler: Filler = { values: [], what, shape };
  const fault = fill(filler, array, levels, 0, []);
  return fault === null
    ? { ok: true, nesting, values: Float64Array.from(filler.values) }
    : { ok: false, fault };
}

/** Path from the array to element number `index` (C order). */
export function pathOfElement(nesting: Nesting, shape: readonly number[], index: number): JsonPath {
  if (nesting === 'flat') return [index];
  const path: number[] = [];
  let rest = index;
  for (const extent of shape.toReversed()) {
    path.unshift(rest % extent);
    rest = Math.floor(rest / extent);
  }
  return path;
}

interface Filler {
  readonly values: number[];
  readonly what: string;
  readonly shape: readonly number[];
}

function fill(
  filler: Filler,
  array: readonly unknown[],
  levels: readonly number[],
  depth: number,
  path: readonly number[],
): NestingFault | null {
  const extent = levels[depth] ?? 0;
  if (array.length !== extent) return countFault(filler, array.length, levels, depth, path);
  const isInnermost = depth === levels.length - 1;
  for (const [index, item] of array.entries()) {
    if (isInnermost) {
      if (typeof item !== 'number' || !Number.isSafeInteger(item)) {
        return {
          kind: 'element',
          path: [...path, index],
          message: 'not an integer',
          expected: 'an integer',
          found: describeJson(item),
        };
      }
      filler.values.push(item);
      continue;
    }
    const inner = [...path, index];
    if (!Array.isArray(item)) return nestingFault(filler, item, inner);
    const fault = fill(filler, item, levels, depth + 1, inner);
    if (fault !== null) return fault;
  }
  return null;
}

function countFault(
  filler: Filler,
  found: number,
  levels: readonly number[],
  depth: number,
  path: JsonPath,
): NestingFault {
  const shape = `shape [${filler.shape.join(', ')}]`;
  const extent = levels[depth] ?? 0;
  if (levels.length === 1) {
    return {
      kind: 'count',
      path,
      message: `wrong number of ${filler.what}s`,
      expected: `${count(extent, filler.what)} for ${shape}`,
      found: count(found, filler.what),
    };
  }
  return {
    kind: 'nesting',
    path,
    message: 'the nesting does not match the shape',
    expected: `${count(extent, 'entry', 'entries')} at nesting level ${depth + 1} of ${shape}`,
    found: count(found, 'entry', 'entries'),
  };
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

function nestingFault(filler: Filler, item: unknown, path: JsonPath): NestingFault {
  return {
    kind: 'nesting',
    path,
    message: 'the nesting does not match the shape',
    expected: `an array at nesting level ${path.length + 1} of shape [${filler.shape.join(', ')}]`,
    found: describeJson(item),
  };
}
