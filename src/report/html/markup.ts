import { printable } from '../../../compiler/base/printable.ts';

/**
 * HTML and SVG that is safe to put into a page. The tag `markup` is the only way to make it: whatever is interpolated is
 * text, with every character that means something in HTML escaped, unless it is markup itself. So names from configs and
 * models cannot become elements, attributes or scripts.
 */
export class Markup {
  /** The source text. */
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /** For the tag alone, and for text that this program has made itself (style.ts, script.ts). */
  static ofOwnText(text: string): Markup {
    return new Markup(text);
  }
}

/** What may stand in a template: nothing for null. */
export type Part = string | number | null | Markup | readonly Markup[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Foreign text: what could steer the reading is shown as an escape, what could be HTML as an entity. */
function escaped(text: string): string {
  return printable(text).replaceAll(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '');
}

function textOf(part: Part): string {
  if (part === null) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'number' || typeof part === 'string') return escaped(String(part));
  return part.map(({ text }) => text).join('');
}

/** Attributes are always quoted in templates: what is interpolated there cannot end them. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const text = strings.map((string, index) => string + textOf(parts[index] ?? null)).join('');
  return Markup.ofOwnText(text);
}

/** JSON for a script to read, in an element that is no script: nothing in it can end the element. */
export function jsonBlock(id: string, value: unknown): Markup {
  const json = JSON.stringify(value).replaceAll('<', '\\u003c');
  return markup`<script type="application/json" id="${id}">${Markup.ofOwnText(json)}</script>`;
}
