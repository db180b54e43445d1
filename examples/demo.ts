/**
 * `npm run demo`: compiles examples/1-gaussian, encrypts two pictures of ours, a small and a large one, filters them without
 * decrypting them, decrypts the results and compares every integer with the convolution in the clear.
 */
import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { main } from '../src/cli/main.ts';

const root = join(import.meta.dirname, '..');
const at = (...parts: string[]): string => relative(process.cwd(), join(root, ...parts));
mkdirSync(join(root, 'out'), { recursive: true });

for (const size of [28, 512]) {
  const output = at('out', `gaussian-${size}.png`);
  console.log(`${size} x ${size} picture, 3x3 Gaussian at 2 bits, encrypted -> ${output}`);
  await main([
    'run',
    at('examples', '1-gaussian', 'gaussian.conv.json'),
    '--input',
    at('examples', `picture-${size}.png`),
    '--output',
    output,
  ]);
  console.log();
  if (process.exitCode !== 0) break;
}
