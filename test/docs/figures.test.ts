/** Figures of the documentation: computed here, held by a constant of the code, or marked as measured once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, parseFilterConfig, RULE_NAMES } from '../../src/index.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { coeffModulusBits } from '../../compiler/bfv/parameters.ts';
import { cipherconv, ROOT } from '../cli/spawnCli.ts';
import { chunksOf, PAGES } from '../support/markdown.ts';

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const CONFIG = 'examples/1-gaussian/gaussian.conv.json';
const { spec } = parseFilterConfig(read(CONFIG));
const gaussian = compile(spec);
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

const IN_WORDS: Readonly<Record<number, string>> = {
  8: 'eight',
  9: 'nine',
  10: 'ten',
  11: 'eleven',
  12: 'twelve',
};

interface Figure {
  readonly page: string;
  /** As the page says it, in one line. */
  readonly says: string;
}

const COMPUTED: readonly Figure[] = [
  { page: 'README.md', says: `${IN_WORDS[RULE_NAMES.length]} rules,` },
  {
    page: 'docs/compiling.md',
    says: `N = ${gaussian.parameters.degree} and a ${coeffModulusBits(gaussian.parameters).join('+')}-bit q: ${kilobytes(gaussian.bytes.upload)} up, ${kilobytes(gaussian.bytes.response)} down`,
  },
  { page: 'docs/client-server.md', says: `# client: ${kilobytes(gaussian.bytes.upload)}` },
  { page: 'docs/serving.md', says: `serving ${spec.name}: ${storedPlan(gaussian, 'NCHW').digest}` },
];

/** The code has the constant as `code` in `file`. */
const HELD: readonly (Figure & { readonly file: string; readonly code: string })[] = [
  {
    page: 'SECURITY.md',
    says: 'for 15 minutes',
    file: 'src/server/settings.ts',
    code: 'keysIdleMs: 15 * 60_000',
  },
  {
    page: 'SECURITY.md',
    says: 'after 5 s of grace',
    file: 'src/server/settings.ts',
    code: 'bodyGraceMs: 5000',
  },
  {
    page: 'SECURITY.md',
    says: 'at most 2 GiB of tensors',
    file: 'src/interpreter/meter.ts',
    code: 'memoryBytes: 2 ** 31',
  },
  {
    page: 'docs/client-server.md',
    says: 'for 30 s (`patienceMs`)',
    file: 'src/client/endpoint.ts',
    code: 'patienceMs: 30_000',
  },
  {
    page: 'docs/scaling.md',
    says: 'at least 50 ms',
    file: 'src/farm/pieces.ts',
    code: 'SHORTEST_PIECE_MS = 50;',
  },
  { page: 'SECURITY.md', says: 'every 25 ms', file: 'src/server/workers/pool.ts', code: 'WATCH_MS = 25;' },
  {
    page: 'docs/architecture.md',
    says: 'more than 1 GiB',
    file: 'runtime/evaluator/types.ts',
    code: 'DEFAULT_WEIGHT_MEMORY_BYTES = 2 ** 30;',
  },
  {
    page: 'docs/onnx.md',
    says: '768 MiB beside the raw data',
    file: 'src/frontend/onnx/proto/scanWire.ts',
    code: 'DECODED_LIMIT = 768 * 2 ** 20;',
  },
  {
    page: 'docs/onnx.md',
    says: 'at most 512 MiB',
    file: 'src/frontend/onnx/limits.ts',
    code: 'MAX_TENSOR_BYTES = 2 ** 29;',
  },
  {
    page: 'docs/onnx.md',
    says: 'a file 1 GiB',
    file: 'src/frontend/onnx/limits.ts',
    code: 'MAX_MODEL_BYTES = 2 ** 30;',
  },
  {
    page: 'docs/tflite.md',
    says: 'Files are at most 1 GiB',
    file: 'src/frontend/tflite/limits.ts',
    code: 'MAX_MODEL_BYTES = 2 ** 30;',
  },
];

/** Times and sizes. */
const FIGURE = /\d[\d,.]*\s?(ms|ns|s|seconds?|minutes?|kB|MB|GB|KiB|MiB|GiB)\b/g;

const onOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

/** A column of the worked example, whose figures are explain's. */
const EXAMPLE_COLUMN = 'in the example';
const ARCHITECTURE = 'docs/architecture.md';

/** Times and sizes of prose that nothing holds. */
function looseFigures(page: string): string[] {
  const held = [...COMPUTED, ...HELD].filter((figure) => figure.page === page).map(({ says }) => says);
  return chunksOf(page)
    .filter(
      ({ language, example, text }) =>
        language === null && example === null && !text.includes(EXAMPLE_COLUMN),
    )
    .flatMap(({ line, text }) => {
      const prose = held.reduce((rest, says) => rest.replaceAll(says, ''), onOneLine(text));
      return [...prose.replaceAll(/`[^`]*`/g, '').matchAll(FIGURE)].map(
        ([figure]) => `line ${line}: ${figure}`,
      );
    });
}

describe.each(PAGES)('%s', (page) => {
  it('has no time or size that is neither computed, nor held by code, nor marked', () => {
    const help =
      'hold it in HELD or COMPUTED of this file, or mark it: <!-- example: why no test can know it -->';
    expect(looseFigures(page), help).toEqual([]);
  });
});

it.each(COMPUTED)('$page says: $says', ({ page, says }) => {
  expect(onOneLine(read(page))).toContain(says);
});

it.each(HELD)('$page says: $says', ({ page, says, file, code }) => {
  expect(onOneLine(read(page))).toContain(says);
  expect(read(file)).toContain(code);
});

it('the figures of the worked example are those that explain prints', () => {
  const explained = ['--kernel=ntt', '--lowering=diagonals']
    .map((option) => cipherconv(['explain', option, CONFIG]).stdout)
    .join('\n')
    .replaceAll(',', ' ');
  const printed = new Set(explained.match(/\d+(\.\d+)?/g));
  // 784 outputs; 21.5 is 2^4.43, the noise of an encryption; diagonals are as many as products.
  for (const derived of ['784', '21.5']) printed.add(derived);
  const tables = chunksOf(ARCHITECTURE).filter(({ text }) => text.includes(EXAMPLE_COLUMN));
  const cells = tables.flatMap(({ text }) => text.split('\n').map((row) => row.split('|').at(-2)!.trim()));
  const figures = cells.flatMap((cell) => cell.replaceAll(/(?<=\d),(?=\d)/g, '').match(/\d+(\.\d+)?/g) ?? []);
  expect(figures.length).toBeGreaterThan(20);
  expect(figures.filter((figure) => !printed.has(figure))).toEqual([]);
});
