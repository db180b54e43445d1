import { z } from 'zod';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import { parseJson } from '../frontend/positions.ts';
import { schemaError } from '../frontend/schemaIssues.ts';

/** JSON tensors whose values may be any numbers: what models take and give. */

const schema = z.strictObject({ shape: z.array(z.int().min(0)).max(32), data: z.array(z.unknown()) });

/**
 * Reads `{ "shape": [...], "data": [...] }`, data nested like the shape or flat.
 * @throws CipherconvError `malformed-json` or `malformed-tensor`.
 */
export function parseNumbersJson(
  text: string,
  file: string,
): { readonly shape: readonly number[]; readonly data: readonly number[] } {
  const value = parseJson(text, file);
  const result = schema.safeParse(value);
  if (!result.success) {
    const describeUnion = (): string => 'numbers';
    throw schemaError(
      { code: 'malformed-tensor', title: 'a tensor', schema, describeUnion },
      result.error.issues,
      value,
      text,
      file,
    );
  }
  const { shape, data } = result.data;
  const isNested = shape.length > 1 && Array.isArray(data[0]);
  const values = isNested ? flatten(data, shape, file) : data;
  const wrong = values.findIndex((item) => typeof item !== 'number');
  if (wrong >= 0 || values.length !== elementCount(shape)) {
    const what =
      wrong >= 0 ? `value ${wrong} is ${JSON.stringify(values[wrong])}` : `${values.length} values`;
    throw mismatch(file, shape, what.slice(0, 100));
  }
  return { shape, data: values as number[] };
}

/** One level of nesting after the other, each checked, so that nothing recurses deeper than the shape has axes. */
function flatten(data: readonly unknown[], shape: readonly number[], file: string): readonly unknown[] {
  let level = data;
  for (const [axis, extent] of shape.entries()) {
    if (axis === shape.length - 1) break;
    const next = shape[axis + 1] ?? 0;
    const isFit = level.every((item) => Array.isArray(item) && item.length === next);
    if (!isFit || (axis === 0 && level.length !== extent)) {
      throw mismatch(file, shape, `another nesting at level ${axis + 1}`);
    }
    level = level.flat();
  }
  return level;
}

function mismatch(file: string, shape: readonly number[], found: string): CipherconvError {
  return new CipherconvError({
    code: 'malformed-tensor',
    where: file,
    message: 'the values do not fill the shape',
    expected: `${elementCount(shape)} numbers for shape [${shape.join(', ')}], flat or nested like it`,
    found,
  });
}
