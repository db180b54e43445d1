import type { Finding, Layer } from '../lint/finding.ts';
import { element, make, setHidden } from '../page/elements.ts';
import { formatInteger } from '../page/pixels.ts';
import type { Section } from './compiling.ts';
import type { Asked } from './serving.ts';

/** What people see of findings, plans and requests. */

/** Findings and requests that are shown. */
const MOST = 50;

/** @param onPlace told of the line and column (from 1) of a finding that somebody wants to see */
export function showFindings(
  findings: readonly Finding[],
  onPlace: (line: number, column: number) => void,
): void {
  const items = findings.slice(0, MOST).map((finding) => findingItem(finding, onPlace));
  if (findings.length === 0) {
    const item = make('li', 'Nothing to say: every sum fits, and no bit is wasted.');
    item.className = 'good';
    items.push(item);
  }
  if (findings.length > MOST) items.push(make('li', `and ${findings.length - MOST} more`));
  element('findings', HTMLElement).replaceChildren(...items);
}

function findingItem(
  { rule, level, layer, line, column, message, hint }: Finding,
  onPlace: (line: number, column: number) => void,
): HTMLLIElement {
  const item = document.createElement('li');
  item.className = level;
  item.append(make('b', `${level}: ${rule}${layer === null ? '' : `, ${layer}`}`), message);
  if (hint !== null) item.append(make('div', `What to do: ${hint}`));
  if (line !== null && column !== null) {
    const button = make('button', `line ${line}, column ${column}`);
    button.type = 'button';
    button.addEventListener('click', () => {
      onPlace(line, column);
    });
    item.append(button);
  }
  return item;
}

/** Accumulators of every layer. */
export function showLayers(layers: readonly Layer[]): void {
  const heads = ['layer', 'products', 'accumulator', 'bits', 'declared'];
  const rows = layers
    .slice(0, MOST)
    .map(({ name, taps, interval, requiredBits, declaredBits }) => [
      name,
      formatInteger(taps),
      `${interval[0]} to ${interval[1]}`,
      String(requiredBits),
      declaredBits === null ? 'none' : String(declaredBits),
    ]);
  element('layers', HTMLElement).replaceChildren(table('Accumulators, exactly', [heads, ...rows]));
  setHidden(['layers'], layers.length === 0);
}

function table(title: string, [heads = [], ...rows]: readonly (readonly string[])[]): HTMLElement {
  const made = document.createElement('table');
  const head = document.createElement('tr');
  for (const text of heads) {
    const cell = make('th', text);
    cell.scope = 'col';
    head.append(cell);
  }
  const top = document.createElement('thead');
  top.append(head);
  const body = document.createElement('tbody');
  body.append(...rows.map(rowOf));
  made.append(make('caption', title), top, body);
  return made;
}

function rowOf(texts: readonly string[]): HTMLTableRowElement {
  const row = document.createElement('tr');
  row.append(...texts.map((text) => make('td', text)));
  return row;
}

/** The explanation, one part open; what somebody has opened stays open. */
export function showSections(sections: readonly Section[]): void {
  const list = element('sections', HTMLElement);
  const open = new Set(
    [...list.querySelectorAll('details[open] > summary')].map((title) => title.textContent),
  );
  const items = sections.map((section) => {
    const item = document.createElement('details');
    item.open = open.has(section.title);
    item.append(make('summary', section.title), contentOf(section));
    return item;
  });
  list.replaceChildren(...items);
}

function contentOf(section: Section): HTMLElement {
  const box = section.kind === 'table' ? document.createElement('div') : document.createElement('pre');
  box.className = 'scroll';
  box.tabIndex = 0;
  box.setAttribute('role', 'group');
  box.setAttribute('aria-label', section.title);
  if (section.kind === 'table') box.append(table(section.title, section.rows));
  else box.textContent = section.lines.join('\n');
  return box;
}

/** One more request, the latest first. */
export function showAsked({ method, path, status, bytesUp, bytesDown }: Asked): void {
  const list = element('asked', HTMLElement);
  const short = path.replace(/[0-9a-f]{64}/, (digest) => `${digest.slice(0, 12)}...`);
  const row = rowOf([`${method} ${short}`, String(status), formatInteger(bytesUp), formatInteger(bytesDown)]);
  list.prepend(row);
  while (list.children.length > MOST) list.lastChild?.remove();
}
