/** What programs of the documentation take as given, and what must hold after them. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../cli/spawnCli.ts';

interface Surroundings {
  readonly page: string;
  /** Tells the program from others of the page. */
  readonly has: string;
  readonly before?: string;
  readonly replace?: readonly (readonly [from: string, to: string])[];
  readonly after?: string;
}

const from = (path: string): string => JSON.stringify(pathToFileURL(join(ROOT, path)).href);

const INPUT = `const input = { shape: [1, 1, 28, 28], data: new Float64Array(784).map((_, index) => index % 4) };`;
const TEXT = `import { readFileSync } from 'node:fs';
const text = readFileSync('examples/1-gaussian/gaussian.conv.json', 'utf8');`;

export const SURROUNDINGS: readonly Surroundings[] = [
  {
    page: 'docs/compiling.md',
    has: 'parseFilterConfig',
    before: `${TEXT}\n${INPUT}`,
    after: `if (!report.match || output.data.length !== 784) throw new Error('not equal');`,
  },
  ...['README.md', 'docs/client-server.md'].map((page) => ({
    page,
    has: 'connect(',
    before: `${TEXT}
import { compile, parseFilterConfig } from ${from('src/index.ts')};
import { convolve } from ${from('runtime/clear/loops.ts')};
import { serve } from ${from('test/support/served.ts')};
${INPUT}
const { spec } = parseFilterConfig(text);
const served = await serve(compile(spec));
const digest = served.digest;`,
    replace: [["'https://example.org'", 'served.service.url']] as const,
    after: `const right = convolve(spec, input);
if (right.data.some((value, index) => value !== output.data[index])) throw new Error('not equal');
await served.close();`,
  })),
  {
    page: 'docs/tutorials/serve.md',
    has: 'connect(',
    before: `${TEXT}
import { compile, parseFilterConfig } from ${from('src/index.ts')};
import { convolve } from ${from('runtime/clear/loops.ts')};
import { serve } from ${from('test/support/served.ts')};
${INPUT}
const { spec } = parseFilterConfig(text);
const served = await serve(compile(spec));`,
    after: `const blurred = await blur(served.service.url, served.digest, input.data);
const right = convolve(spec, input);
if (right.data.some((value, index) => value !== blurred[index])) throw new Error('not equal');
await served.close();`,
  },
  {
    page: 'docs/onnx.md',
    has: 'model.layers',
    after: `if (model.layers.length === 0) throw new Error('no layers');`,
  },
  {
    page: 'docs/onnx.md',
    has: 'runModel',
    before: `import { readFileSync } from 'node:fs';
const { shape, data } = JSON.parse(readFileSync('x.json', 'utf8'));`,
    after: `if (!report.match || outputs.size === 0) throw new Error('not equal');`,
  },
  {
    page: 'docs/lint.md',
    has: 'cipherconv.configs.recommended',
    after: `if (Object.keys(cipherconv.rules).length === 0) throw new Error('no rules');`,
  },
];
