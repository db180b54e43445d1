import type { Interval } from '../../../../compiler/base/interval.ts';
import type { NodeView } from '../graph/state.ts';
import type { QuantizedTensor } from '../types.ts';
import type { ElementType } from '../proto/codes.ts';
import type { OnnxTensor } from '../types.ts';

/** What an operator is: one record in one place. registry.ts says how to add one. */
export interface Operator {
  readonly shape: ShapeRule;
  /** null: nothing is known of its outputs but what their types say. */
  readonly grid: GridRule | null;
  /** null: the interpreter does not compute it. */
  readonly clear: ClearRule | null;
  /** What the values of the first output lie between; left out: nothing is known but what `grid` says. */
  readonly bounds?: BoundsRule;
  /**
   * Products that it computes at most, beside reading its inputs and writing its outputs; null: that cannot be said, so it does
   * not run in a graph from elsewhere. Left out: none.
   */
  readonly work?: WorkRule | null;
  /**
   * When the importer folds it: `values` where all inputs are constant, `shapes` where the shapes of its inputs are known,
   * `never` for operators that take much longer than reading their inputs (a small file must not cost much time).
   */
  readonly folds: 'values' | 'shapes' | 'never';
}

/** Type and shape of an output; null for what is not known. */
export interface Inferred {
  readonly type: ElementType | null;
  readonly shape: readonly number[] | null;
}

/**
 * What an operator makes of its inputs' types and shapes; one entry per output.
 * @throws CipherconvError `malformed-model` when they contradict each other
 */
export type ShapeRule = (view: NodeView) => readonly Inferred[];

/** The range of a tensor of whole numbers (`range` null: not known); null for one that may hold fractions. */
export type Whole = { readonly range: Interval | null } | null;

/** What is known of the values of an output. */
interface GridFacts {
  /** Floats that are a scale times integers. */
  readonly quantized: QuantizedTensor | null;
  /** Whole numbers. */
  readonly whole: Whole;
}

/** What an operator makes of the grid that its inputs lie on; one entry per output, from the first on. */
export type GridRule = (view: NodeView) => readonly GridFacts[];

/** Products for this many elements of the first output; all inputs' shapes are known. */
export type WorkRule = (view: NodeView, outputs: number) => number;

/** What the values of the first output lie between (bounds.ts); null for nothing known. */
export type BoundsRule = (view: NodeView) => Interval | null;

/** Type and shape of an output, both known. */
export interface KnownOutput {
  readonly type: ElementType;
  readonly shape: readonly number[];
}

/** One node with the values of its inputs. */
export interface Call {
  /** Where attributes and lists of axes are read; its constants are the inputs. */
  readonly view: NodeView;
  /** null for an optional input that is left out. */
  readonly inputs: readonly (OnnxTensor | null)[];
  /** The first output. */
  readonly output: KnownOutput;
  /** All outputs, as the shape rule gives them. */
  readonly outputs: readonly Inferred[];
}

/**
 * The values of the outputs, from the first on: constant folding and the cleartext interpreter both use it. Floats are
 * rounded to the type after every operation. null when it cannot be computed with these attributes or types.
 * @throws CipherconvError `malformed-model` for values that contradict the model, such as an index out of range
 */
export type ClearRule = (call: Call) => readonly OnnxTensor[] | null;

/** The input at a position, which must be there; null otherwise. */
export function inputAt({ inputs }: Call, index: number): OnnxTensor | null {
  return inputs[index] ?? null;
}

/** A rule for operators with one output, which need their first `arity` inputs. */
export function computes(
  arity: number,
  compute: (inputs: readonly OnnxTensor[], call: Call) => OnnxTensor | null,
): ClearRule {
  return (call) => {
    const inputs: OnnxTensor[] = [];
    for (const [index, input] of call.inputs.entries()) {
      if (input !== null) inputs.push(input);
      else if (index < arity) return null;
    }
    if (inputs.length < arity) return null;
    const made = compute(inputs, call);
    return made === null ? null : [made];
  };
}

/** A family of operators: records by name. */
export type Family = ReadonlyMap<string, Operator>;

/** The same record under several names, which a text lists. */
export function named(names: string, operator: Operator): [string, Operator][] {
  return names.split(' ').map((name) => [name, operator]);
}
