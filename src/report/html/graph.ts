import { shortened, shortenedName } from './names.ts';
import type { ModelPicture, PictureEdge, PictureNode } from '../data/report.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import { plural } from './words.ts';

/** The graph of a model: rows from top to bottom, as the data flow. */

const BOX = { width: 300, height: 46 } as const;
const GAP = { x: 18, y: 26 } as const;
/** Between two lines that go past boxes. */
const LANE = 9;
/** Space beside texts in a box. */
const INSET = 10;
/** Width of a character of a bold name of 13 px, and of operators of 11.5 px: wide ones among them. */
const NAME_CHARACTER = 8;
const OPERATORS_CHARACTER = 6.6;

interface Placed extends PictureNode {
  readonly x: number;
  readonly y: number;
}

const BADGES: Readonly<Record<PictureNode['kind'], string>> = {
  input: 'input',
  output: 'output',
  encrypted: 'encrypted',
  clear: 'clear',
  refused: 'refused',
};

export function graphSection({ nodes, edges }: ModelPicture): Markup {
  const placed = place(nodes);
  const bottom = placed.reduce((most, { y }) => Math.max(most, y + BOX.height), 0);
  const lanes = lanesOf(placed, edges);
  const lines = uniqueEdges(edges).map((edge) => line(edge, placed, lanes));
  const width = rightOf(placed, 0, bottom) + LANE * (Math.max(0, ...lanes.values()) + 2);
  const boxes = placed.map(box);
  const kinds = (kind: PictureNode['kind']): number => nodes.filter((node) => node.kind === kind).length;
  const label = `Graph of the model: ${plural(kinds('encrypted'), 'encrypted layer')}, ${plural(kinds('clear') + kinds('refused'), 'step')} that the client computes in the clear`;
  return markup`<section class="card" id="graph"><h2>Graph</h2>
<p class="quiet">${label}. Lines at the right go past boxes. The table of layers has the same in numbers.</p>
<div class="scroll tall" tabindex="0" role="group" aria-label="${label}"><svg class="graph" width="${width}" height="${bottom + 2}" viewBox="0 0 ${width} ${bottom + 2}">${lines}${boxes}</svg></div>
${refusedList(nodes)}</section>`;
}

function place(nodes: readonly PictureNode[]): Placed[] {
  const columns = new Map<number, number>();
  const used = [...new Set(nodes.map(({ row }) => row))].sort((left, right) => left - right);
  return nodes.map((node) => {
    const column = columns.get(node.row) ?? 0;
    columns.set(node.row, column + 1);
    return {
      ...node,
      x: 1 + column * (BOX.width + GAP.x),
      y: 1 + used.indexOf(node.row) * (BOX.height + GAP.y),
    };
  });
}

/** One line between two boxes, however many tensors go along it. */
function uniqueEdges(edges: readonly PictureEdge[]): PictureEdge[] {
  return [...new Map(edges.map((edge) => [`${edge.from} ${edge.to}`, edge])).values()];
}

function isLong(edge: PictureEdge, placed: readonly Placed[]): boolean {
  const [from, to] = [placed[edge.from]!, placed[edge.to]!];
  return to.y - from.y > BOX.height + GAP.y + 1;
}

/** Long lines that overlap each other go in lanes of their own. */
function lanesOf(placed: readonly Placed[], edges: readonly PictureEdge[]): Map<string, number> {
  const lanes: number[] = [];
  const found = new Map<string, number>();
  const long = uniqueEdges(edges)
    .filter((edge) => isLong(edge, placed))
    .sort((left, right) => placed[left.from]!.y - placed[right.from]!.y);
  for (const edge of long) {
    const free = lanes.findIndex((end) => end < placed[edge.from]!.y);
    const lane = free < 0 ? lanes.length : free;
    lanes[lane] = placed[edge.to]!.y;
    found.set(`${edge.from} ${edge.to}`, lane + 1);
  }
  return found;
}

/** Where the boxes between two heights end. */
function rightOf(placed: readonly Placed[], top: number, bottom: number): number {
  return placed.reduce(
    (most, { x, y }) => (y >= top && y <= bottom ? Math.max(most, x + BOX.width) : most),
    0,
  );
}

function line(edge: PictureEdge, placed: readonly Placed[], lanes: ReadonlyMap<string, number>): Markup {
  const [from, to] = [placed[edge.from]!, placed[edge.to]!];
  const [x1, y1] = [from.x + BOX.width / 2, from.y + BOX.height];
  const [x2, y2] = [to.x + BOX.width / 2, to.y];
  const lane = lanes.get(`${edge.from} ${edge.to}`);
  const title = markup`<title>${edge.tensor}</title>`;
  if (lane === undefined) return markup`<path class="edge" d="M${x1} ${y1}L${x2} ${y2}">${title}</path>`;
  const side = rightOf(placed, from.y, to.y) + LANE * lane + 5;
  const [start, end] = [from.y + BOX.height - 10, to.y + 10];
  return markup`<path class="edge" d="M${from.x + BOX.width} ${start}H${side - 5}Q${side} ${start} ${side} ${start + 5}V${end - 5}Q${side} ${end} ${side - 5} ${end}H${to.x + BOX.width}">${title}</path>`;
}

function box(node: Placed): Markup {
  const { x, y, kind, name, operators, layer } = node;
  const text = operators.map(({ op, count }) => (count === 1 ? op : `${count} ${op}`)).join(', ');
  const badge = BADGES[kind];
  const badgeWidth = badge.length * 6.2 + 12;
  const nameLength = Math.floor((BOX.width - badgeWidth - 6 - 2 * INSET) / NAME_CHARACTER);
  const operatorsLength = Math.floor((BOX.width - 2 * INSET) / OPERATORS_CHARACTER);
  const shape = markup`<g class="node n-${kind}" transform="translate(${x} ${y})"><title>${name}${text === '' ? '' : `: ${text}`}</title><rect class="box" width="${BOX.width}" height="${BOX.height}" rx="6"/><rect class="badge" x="${BOX.width - badgeWidth - 6}" y="6" width="${badgeWidth}" height="16" rx="8"/><text class="badge-text" x="${BOX.width - badgeWidth / 2 - 6}" y="18">${badge}</text><text class="name" x="${INSET}" y="19">${shortenedName(name, nameLength)}</text><text class="ops" x="${INSET}" y="36">${shortened(text, operatorsLength)}</text></g>`;
  return layer === null ? shape : markup`<a href="#layer-${layer}">${shape}</a>`;
}

function refusedList(nodes: readonly PictureNode[]): Markup | null {
  const refused = nodes.flatMap((node) => node.refused);
  if (refused.length === 0) return null;
  const items = refused.map(
    ({ name, op, reason }) => markup`<li><strong>${name}</strong> (${op}): ${reason}</li>`,
  );
  return markup`<h3>Computed in the clear, and why</h3><ul class="plain">${items}</ul>`;
}
