import { architectureJsonSchema } from '../../fit/architectureSchema.ts';
import { configJsonSchema } from '../../frontend/schema.ts';
import { lintConfigJsonSchema } from '../../lint/settings.ts';
import type { SchemaKind } from '../schemaKinds.ts';
import type { Terminal } from '../terminal.ts';

const JSON_SCHEMAS: Readonly<Record<SchemaKind, () => object>> = {
  config: configJsonSchema,
  architecture: architectureJsonSchema,
  lint: lintConfigJsonSchema,
};

export function schemaCommand(kind: SchemaKind, io: Terminal): void {
  io.print(`${JSON.stringify(JSON_SCHEMAS[kind](), null, 2)}\n`);
}
