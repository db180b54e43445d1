import { formatPath, locate, LocatedError, parseJson } from '../frontend/positions.ts';
import { schemaError } from '../frontend/schemaIssues.ts';
import type { Architecture } from './architectureSchema.ts';
import { architectureSchema } from './architectureSchema.ts';
import { stagesOf } from './stages.ts';
import type { Stage } from './stages.ts';

/** An architecture, checked, with its stages. */
export interface ParsedArchitecture {
  readonly architecture: Architecture;
  readonly stages: readonly Stage[];
}

const KINDS = '"convolution", "square", "averagePool" or "dense"';

/**
 * The one way from the text of an architecture to stages that can be trained.
 * @throws LocatedError `malformed-json`, `malformed-config` or `unsupported`, with line and column.
 */
export function parseArchitecture(text: string, file: string): ParsedArchitecture {
  const value = parseJson(text, file);
  const result = architectureSchema.safeParse(value);
  if (!result.success) {
    const kind = {
      code: 'malformed-config',
      title: 'an architecture',
      schema: architectureSchema,
      describeUnion: () => `a layer whose kind is ${KINDS}`,
    } as const;
    throw schemaError(kind, result.error.issues, value, text, file);
  }
  const stages = stagesOf(result.data, ({ path, ...fault }) => {
    throw new LocatedError(file, locate(text, path), {
      code: fault.message.startsWith('not supported yet') ? 'unsupported' : 'malformed-config',
      where: formatPath(path),
      ...fault,
    });
  });
  return { architecture: result.data, stages };
}
