import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The JSON schema of filter configs that the package ships, for editors without a network. */
export const SCHEMA_FILE = join(packageFolder(), 'schema', 'conv.schema.json');

/** Where package.json stands: above the sources, and above what is built from them. */
function packageFolder(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'schema', 'conv.schema.json')) && dirname(folder) !== folder)
    folder = dirname(folder);
  return folder;
}
