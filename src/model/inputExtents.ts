import { CipherconvError } from '../../compiler/base/errors.ts';
import type { DeclaredInput } from '../frontend/onnx/graph/values.ts';
import type { InputFile, InputFiles } from './modelInputs.ts';

/** Symbolic extents of a model's inputs, as the files of these inputs have them. */

/** Whether an extent is neither in the model nor given. */
export function hasOpenExtents(
  inputs: readonly DeclaredInput[],
  given: ReadonlyMap<string, number>,
): boolean {
  return inputs.some(({ shape }) =>
    (shape ?? []).some((extent) => typeof extent === 'string' && !given.has(extent)),
  );
}

/**
 * Every symbol with its size.
 * @throws CipherconvError `shape-mismatch` for a file of another number of axes, for an extent that the model fixes to another
 * size, and for a symbol that has two sizes.
 */
export function extentsOf(inputs: readonly DeclaredInput[], files: InputFiles): ReadonlyMap<string, number> {
  const found = new Map<string, { readonly extent: number; readonly where: string }>();
  for (const { name, shape } of inputs) {
    const file = files.get(name);
    if (shape === null || file === undefined) continue;
    const actual = shapeOf(file);
    const isOther =
      actual.length !== shape.length ||
      shape.some((extent, axis) => typeof extent === 'number' && extent !== actual[axis]);
    // How many planes a picture has depends on what the model takes: that is seen to later.
    if (file.kind === 'numbers' ? isOther : actual.length !== shape.length) {
      throw mismatch(name, `[${shape.join(', ')}]`, `[${actual.join(', ')}]`);
    }
    shape.forEach((symbol, axis) => {
      if (typeof symbol === 'number') return;
      const [extent, where] = [actual[axis]!, `${name}[${axis}]`];
      const other = found.get(symbol);
      if (other !== undefined && other.extent !== extent)
        throw mismatch(
          name,
          `${symbol} = ${other.extent}, as ${other.where} has it`,
          `${extent} in ${where}`,
        );
      found.set(symbol, { extent, where });
    });
  }
  return new Map([...found].map(([symbol, { extent }]) => [symbol, extent]));
}

function shapeOf(file: InputFile): readonly number[] {
  if (file.kind === 'numbers') return file.numbers.shape;
  const { channels, height, width } = file.picture;
  return [1, channels, height, width];
}

function mismatch(input: string, expected: string, found: string): CipherconvError {
  return new CipherconvError({
    code: 'shape-mismatch',
    where: input,
    message: `the input ${JSON.stringify(input)} has another shape than the model takes`,
    expected,
    found,
  });
}
