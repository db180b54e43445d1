import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { configJsonSchema } from '../frontend/schema.ts';

/** Name of the schema's file, and of a copy of it beside a config. */
const COPY = 'conv.schema.json';

/** The JSON schema of filter configs that the package ships, for editors without a network. */
const SCHEMA_FILE = join(packageFolder(), 'schema', 'conv.schema.json');

/** Where package.json stands: above the sources, and above what is built from them. */
function packageFolder(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'schema', COPY)) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** What a config says of its schema, and the copy that has to be written for it. */
export interface SchemaPlace {
  /** Relative to the config. */
  readonly path: string;
  readonly copy: { readonly path: string; readonly text: string } | null;
}

/**
 * Where a package is installed for a project, its schema is there for everybody who has the project. Elsewhere, in a cache
 * of npx or a global folder, it is not: a copy beside the config is.
 * @param folder of the config; null for a config on stdout, which has no place
 * @throws CipherconvError `unwritable` where a schema of somebody else has the copy's name
 */
export function schemaPlace(folder: string | null, file = SCHEMA_FILE): SchemaPlace {
  const own = resolve(folder ?? '.');
  const above = file.lastIndexOf(`${sep}node_modules${sep}`);
  const project = above < 0 ? null : file.slice(0, above);
  const path = relative(own, file).split(sep).join('/');
  if (folder === null || (project !== null && `${own}${sep}`.startsWith(`${project}${sep}`)))
    return { path: path.startsWith('.') ? path : `./${path}`, copy: null };
  const copy = join(folder, COPY);
  const text = readFileSync(file, 'utf8');
  const there = existsSync(copy) ? readFileSync(copy, 'utf8') : null;
  if (there !== null && there !== text && !isOurs(there)) {
    throw new CipherconvError({
      code: 'unwritable',
      where: copy,
      message: 'there is another schema of this name, and the schema of the config has to stand there',
      hint: 'write the config into another folder, or rename that file',
    });
  }
  return { path: `./${COPY}`, copy: there === text ? null : { path: copy, text } };
}

/** Whether it is the schema of filter configs of some version, which a newer one may replace. */
function isOurs(text: string): boolean {
  try {
    const { title } = JSON.parse(text) as { title?: unknown };
    return title === configJsonSchema()['title'];
  } catch {
    return false;
  }
}
