/** TypeDoc's plugin for the pages of the site: their titles, groups and addresses. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Converter, DocumentReflection, KindRouter } from 'typedoc';
import type { Application, Context, Reflection, RouterTarget } from 'typedoc';
import { sitePages } from './pages.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Addresses of pages without their ending: docs/rules/low-headroom.md is rules/low-headroom. */
const addresses = new WeakMap<RouterTarget, string>();

/** Pages lie as their files do, since their names are titles. */
class PathRouter extends KindRouter {
  override getIdealBaseName(reflection: Reflection): string {
    return addresses.get(reflection) ?? super.getIdealBaseName(reflection);
  }
}

function titleOf(path: string): string {
  const [, title] = /^# (.+)$/m.exec(readFileSync(join(ROOT, path), 'utf8')) ?? [];
  if (title === undefined) throw new Error(`${path} has no title: a line "# ..."`);
  return title.replaceAll('`', '');
}

function addressOf(path: string): string {
  return path.replace(/^docs\//, '').replace(/\.md$/, '');
}

export function load(app: Application): void {
  app.renderer.defineRouter('path', PathRouter);
  const groups = new Map(sitePages().map(({ path, group }) => [path, group]));
  // The context is missing, whatever the type says.
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_: Context | undefined, reflection: Reflection) => {
    const file = reflection.project.files.getReflectionPath(reflection);
    if (!(reflection instanceof DocumentReflection) || file === undefined) return;
    const path = relative(ROOT, file);
    const group = groups.get(path);
    if (group === undefined) return;
    reflection.name = titleOf(path);
    reflection.frontmatter['group'] = group;
    addresses.set(reflection, addressOf(path));
  });
}
