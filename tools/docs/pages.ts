/** Which pages the docs site has, in which groups of its navigation, and in which order. */
import { globSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

interface Group {
  readonly name: string;
  /** Paths or patterns from the root, in the order of the navigation. A page belongs to the first group that names it. */
  readonly pages: readonly string[];
}

export const GROUPS: readonly Group[] = [
  { name: 'Start', pages: ['docs/concepts.md', 'docs/examples.md', 'docs/glossary.md'] },
  {
    name: 'Tutorials',
    pages: ['docs/tutorials/picture.md', 'docs/tutorials/quantize.md', 'docs/tutorials/*.md'],
  },
  { name: 'Reference', pages: ['docs/cli.md', 'docs/config.md', 'docs/lint.md', 'docs/limits.md'] },
  { name: 'Lint rules', pages: ['docs/rules/*.md'] },
  {
    name: 'Design',
    pages: ['docs/architecture.md', 'docs/decisions/README.md', 'docs/decisions/*.md', 'CONTRIBUTING.md'],
  },
  { name: 'Examples', pages: ['examples/*/README.md'] },
  { name: 'Project', pages: ['SECURITY.md', 'CHANGELOG.md'] },
  // Last, since it takes whatever no other group has named.
  {
    name: 'Guides',
    pages: ['docs/compiling.md', 'docs/client-server.md', 'docs/serving.md', 'docs/onnx.md', 'docs/*.md'],
  },
];

/** In the order of the navigation, which is not that of `GROUPS`. */
export const GROUP_ORDER = [
  'Start',
  'Tutorials',
  'Guides',
  'Reference',
  'Lint rules',
  'Examples',
  'Modules',
  'Design',
  'Project',
];

export interface Page {
  /** From the root. */
  readonly path: string;
  readonly group: string;
}

/** Names with numbers in their order: 9 before 10. */
const byName = new Intl.Collator('en', { numeric: true }).compare;

/** Every page once, those of a group in its order. */
export function sitePages(): Page[] {
  const groups = new Map<string, string>();
  for (const { name, pages } of GROUPS)
    for (const pattern of pages)
      for (const path of globSync(pattern, { cwd: ROOT }).sort(byName))
        if (!groups.has(path)) groups.set(path, name);
  return [...groups].map(([path, group]) => ({ path, group }));
}
