import { formatPath, locate, LocatedError } from './positions.ts';
import type { JsonPath } from './positions.ts';
import { filterConfigSchema } from './schema.ts';
import type { FilterConfig } from './schema.ts';
import { schemaError } from './schemaIssues.ts';

/**
 * Checks parsed JSON against the schema of filter configs.
 * @throws LocatedError `malformed-config` that names the first fault.
 */
export function requireConfig(value: unknown, text: string, file: string): FilterConfig {
  const result = filterConfigSchema.safeParse(value);
  if (!result.success) {
    const kind = {
      code: 'malformed-config',
      title: 'a filter config',
      schema: filterConfigSchema,
      describeUnion,
    } as const;
    throw schemaError(kind, result.error.issues, value, text, file);
  }
  const { pads, autoPad } = result.data;
  if (pads !== undefined && autoPad !== undefined) {
    throw new LocatedError(file, locate(text, ['autoPad'], 'key'), {
      code: 'malformed-config',
      where: 'autoPad',
      message: 'pads and autoPad are both given',
      expected: 'one of them',
      hint: 'leave out pads to have them worked out, or leave out autoPad',
    });
  }
  return result.data;
}

function describeUnion(path: JsonPath): string {
  switch (formatPath(path).replace(/\[\d+\]$/, '')) {
    case 'weights.values':
      return 'an array of integers, flat or nested, or { "npy": "file.npy" }';
    case 'weights.zeroPoint':
      return 'an integer, or an array with one for each output channel';
    default:
      return 'an integer, as a number or as a string of decimal digits';
  }
}
