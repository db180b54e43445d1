import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Path of the script `name` seen from a module: .ts when that runs from source, .js from the build.
 * @param module its `import.meta.url`
 * @param name relative, without an extension
 */
export function workerFile(module: string, name: string): string {
  return fileURLToPath(new URL(`${name}${extname(fileURLToPath(module))}`, module));
}
