import type { Command } from '@commander-js/extra-typings';
import { Argument } from '@commander-js/extra-typings';
import { examples } from './help.ts';
import { late } from './interrupt.ts';
import { SCHEMAS } from './schemaKinds.ts';
import type { Terminal } from './terminal.ts';

/** `schema [KIND]`: the JSON schema of a file that people write. */
export function addSchema(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('schema')
    .description('print the JSON schema of a file that people write, for editors')
    .addArgument(
      new Argument('[kind]', 'filter configs, architectures of `fit`, or cipherconv.config.json')
        .choices(SCHEMAS)
        .default('config' as const),
    );
  examples(command, [
    ['schema > conv.schema.json', 'for "$schema" of filter configs'],
    ['schema architecture', 'what `fit` takes'],
  ]);
  command.action(async (kind) => {
    const { schemaCommand } = await late(import('./actions/schema.ts'));
    schemaCommand(kind, terminal());
  });
}
