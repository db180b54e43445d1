/**
 * `npm run demo`: compiles examples/1-gaussian, encrypts a picture, filters it without decrypting it, decrypts the result and
 * compares every integer with the convolution in the clear.
 */
import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { main } from '../src/cli/main.ts';

const root = join(import.meta.dirname, '..');
const at = (...parts: string[]): string => relative(process.cwd(), join(root, ...parts));
mkdirSync(join(root, 'out'), { recursive: true });

await main([
  'run',
  at('examples', '1-gaussian', 'gaussian.conv.json'),
  '--input',
  at('examples', 'picture-28.png'),
  '--output',
  at('out', 'gaussian.png'),
]);
