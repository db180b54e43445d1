/** Links of a built site that lead nowhere: to files that are not there, and to anchors that their pages do not have. */
import { globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

interface BrokenLink {
  /** The page that has it, from the folder of the site. */
  readonly page: string;
  readonly link: string;
  readonly reason: 'no such file' | 'no such anchor' | 'outside the site';
}

interface CheckedLinks {
  readonly pages: number;
  /** Links that stay within the site. */
  readonly links: number;
  readonly broken: readonly BrokenLink[];
}

/** What HTML writes for characters that it uses itself. */
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', quot: '"', lt: '<', gt: '>', '#39': "'" };

const unescaped = (text: string): string =>
  text.replaceAll(/&(amp|quot|lt|gt|#39);/g, (_, name: string) => ENTITIES[name] ?? '');

/** Values of an attribute, of all elements of a page. */
function valuesOf(html: string, attribute: string): string[] {
  return [...html.matchAll(new RegExp(`<[^<>]*?\\s${attribute}="([^"]*)"`, 'g'))].map(([, value = '']) =>
    unescaped(value),
  );
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Reads all pages of a site. Links to other sites are not followed: the check needs no network. */
export function checkLinks(site: string): CheckedLinks {
  const pages = globSync('**/*.html', { cwd: site }).sort();
  const anchors = new Map<string, Set<string>>();
  const anchorsOf = (page: string): Set<string> => {
    const known = anchors.get(page) ?? new Set(valuesOf(readFileSync(join(site, page), 'utf8'), 'id'));
    anchors.set(page, known);
    return known;
  };
  const whyBroken = (page: string, link: string): BrokenLink['reason'] | null => {
    const [, path = '', , anchor = ''] = /^([^#?]*)(\?[^#]*)?#?(.*)$/.exec(link) ?? [];
    const target = path === '' ? page : normalize(join(dirname(page), decodeURIComponent(path)));
    if (target.startsWith('..')) return 'outside the site';
    if (!isFile(join(site, target))) return 'no such file';
    const hasAnchor =
      anchor === '' || !target.endsWith('.html') || anchorsOf(target).has(decodeURIComponent(anchor));
    return hasAnchor ? null : 'no such anchor';
  };
  let links = 0;
  const broken: BrokenLink[] = [];
  for (const page of pages) {
    const html = readFileSync(join(site, page), 'utf8');
    const own = [...valuesOf(html, 'href'), ...valuesOf(html, 'src')];
    for (const link of new Set(own.filter((value) => !/^(\w+:|\/\/)/.test(value)))) {
      links++;
      const reason = whyBroken(page, link);
      if (reason !== null) broken.push({ page, link, reason });
    }
  }
  return { pages: pages.length, links, broken };
}
