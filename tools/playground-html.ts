import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';
import { REPORT_SCRIPT } from '../src/report/html/script.ts';
import { REPORT_STYLE } from '../src/report/html/style.ts';
import { CONTENT_SECURITY_POLICY } from '../src/server/securityHeaders.ts';

const PAGE = join(import.meta.dirname, '..', 'src', 'page', 'index.html');
const SHARED = /<!-- shared with the playground: begin -->([\s\S]*)<!-- shared with the playground: end -->/;

/**
 * Puts into the playground what it shares with the page of `serve`, and the page's policy: a file server sends no headers of
 * ours, so it stands in the document.
 */
export function playgroundHtml(): Plugin {
  return {
    name: 'playground-html',
    transformIndexHtml: {
      order: 'pre',
      handler: (html) =>
        replaced(replaced(html, '<!-- shared -->', sharedPart()), '<!-- policy -->', policyElement()),
    },
  };
}

function replaced(html: string, mark: string, by: string): string {
  if (!html.includes(mark)) throw new Error(`no ${mark} in the playground's index.html`);
  return html.replace(mark, () => by);
}

function sharedPart(): string {
  const found = SHARED.exec(readFileSync(PAGE, 'utf8'))?.[1];
  if (found === undefined) throw new Error(`${PAGE} does not say what is shared`);
  return found.trim();
}

/**
 * The page's policy, and the one style and script of reports, whose frame inherits it. `frame-ancestors` only works as a
 * header; browsers complain of it in documents.
 */
function policyElement(): string {
  const hashes: Readonly<Record<string, string>> = {
    'script-src': hashOf(REPORT_SCRIPT),
    'style-src': hashOf(REPORT_STYLE),
  };
  const policy = CONTENT_SECURITY_POLICY.split('; ')
    .filter((part) => !part.startsWith('frame-ancestors'))
    .map((part) => {
      const hash = hashes[part.split(' ', 1)[0] ?? ''];
      return hash === undefined ? part : `${part} ${hash}`;
    });
  return `<meta http-equiv="Content-Security-Policy" content="${policy.join('; ')}" />`;
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
