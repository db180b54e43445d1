/** What checks the links of the docs site (`npm run docs`) finds each kind of broken link, and nothing else. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkLinks } from '../../tools/docs/links.ts';
import { GROUP_ORDER, GROUPS, sitePages } from '../../tools/docs/pages.ts';
import { PAGES } from '../support/markdown.ts';

let site = '';

beforeAll(() => {
  site = mkdtempSync(join(tmpdir(), 'cipherconv-site-'));
  mkdirSync(join(site, 'rules'));
  writeFileSync(join(site, 'picture.png'), '');
});

afterAll(() => {
  rmSync(site, { recursive: true, force: true });
});

const html = (body: string): string => `<!DOCTYPE html><html><body><h1 id="top">x</h1>${body}</body></html>`;

it('links to pages, anchors, pictures and other sites are taken', () => {
  writeFileSync(
    join(site, 'index.html'),
    html(
      `<a class="x" href="rules/a.html#a-b">a</a><img src="picture.png"/><a href="#top">top</a>` +
        `<a href="https://example.org/nothing">else</a><a href="rules/a.html?x=1&amp;y=2">a</a><code>&lt;a href="no"&gt;</code>`,
    ),
  );
  writeFileSync(
    join(site, 'rules', 'a.html'),
    html('<h2 id="a-b">b</h2><a href="../index.html">up</a><a href="">self</a>'),
  );
  expect(checkLinks(site)).toEqual({ pages: 2, links: 6, broken: [] });
});

it('missing files, missing anchors and ways out of the site are found', () => {
  writeFileSync(
    join(site, 'rules', 'a.html'),
    html(
      '<a href="b.html">b</a><a href="../index.html#bottom">x</a><img src="../../x.png"/><a href="#none">n</a>' +
        '<a href="../rules">folder</a>',
    ),
  );
  const { broken } = checkLinks(site);
  expect(broken.map(({ page, link, reason }) => `${page}: ${reason}: ${link}`).sort()).toEqual([
    // The page has no anchor a-b any more.
    'index.html: no such anchor: rules/a.html#a-b',
    'rules/a.html: no such anchor: #none',
    'rules/a.html: no such anchor: ../index.html#bottom',
    'rules/a.html: no such file: ../rules',
    'rules/a.html: no such file: b.html',
    'rules/a.html: outside the site: ../../x.png',
  ]);
});

it('an empty folder has neither pages nor links, which the command refuses', () => {
  const empty = join(site, 'empty');
  mkdirSync(empty);
  expect(checkLinks(empty)).toEqual({ pages: 0, links: 0, broken: [] });
});

it('every page of the documentation is on the site, in a group of the navigation', () => {
  const there = sitePages();
  expect(there.length).toBeGreaterThan(30);
  expect(there.filter(({ group }) => !GROUP_ORDER.includes(group))).toEqual([]);
  expect(PAGES.filter((path) => path !== 'README.md' && !there.some((one) => one.path === path))).toEqual([]);
  expect(GROUPS.map(({ name }) => name).filter((name) => !GROUP_ORDER.includes(name))).toEqual([]);
});
