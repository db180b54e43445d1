/**
 * Finds a place in JSON text by stepping over everything before it: no tree is built, so it costs milliseconds where a
 * parser with positions takes seconds for a filter of millions of weights. Only for text that JSON.parse accepts.
 */

/** Keys and indices from the root of a JSON document. */
export type JsonPath = readonly (string | number)[];

/** What of a member to point at. */
export type Target = 'key' | 'value';

const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;
const [OPEN_ARRAY, CLOSE_ARRAY] = [91, 93];
const [OPEN_OBJECT, CLOSE_OBJECT] = [123, 125];

/** Offset of what `path` names, or of the closest thing above it. */
export function offsetOf(text: string, path: JsonPath, target: Target): number {
  let offset = skipSpace(text, 0);
  for (const [depth, key] of path.entries()) {
    const found = child(text, offset, key);
    if (found === null) return offset;
    offset = target === 'key' && depth === path.length - 1 ? found.key : found.value;
  }
  return offset;
}

interface Child {
  /** Offset of the member's name; of the value itself in an array. */
  readonly key: number;
  readonly value: number;
}

function child(text: string, parent: number, key: string | number): Child | null {
  switch (text.charCodeAt(parent)) {
    case OPEN_OBJECT:
      return typeof key === 'string' ? member(text, parent, key) : null;
    case OPEN_ARRAY:
      return typeof key === 'number' ? element(text, parent, key) : null;
    default:
      return null;
  }
}

function member(text: string, parent: number, key: string): Child | null {
  let offset = skipSpace(text, parent + 1);
  while (text.charCodeAt(offset) === QUOTE) {
    const end = skipString(text, offset);
    const value = skipSpace(text, skipSpace(text, end) + 1);
    if (JSON.parse(text.slice(offset, end)) === key) return { key: offset, value };
    offset = skipSpace(text, skipValue(text, value));
    if (text.charCodeAt(offset) === COMMA) offset = skipSpace(text, offset + 1);
  }
  return null;
}

function element(text: string, parent: number, index: number): Child | null {
  let offset = skipSpace(text, parent + 1);
  for (let at = 0; text.charCodeAt(offset) !== CLOSE_ARRAY; at++) {
    if (at === index) return { key: offset, value: offset };
    offset = skipSpace(text, skipValue(text, offset));
    if (text.charCodeAt(offset) === COMMA) offset = skipSpace(text, offset + 1);
  }
  return null;
}

function skipSpace(text: string, offset: number): number {
  let at = offset;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

function skipString(text: string, open: number): number {
  let at = open + 1;
  while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

function skipValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = skipString(text, at) - 1;
        if (depth === 0) return at + 1;
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        depth++;
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        // A number or word ends where its parent does.
        if (depth === 0) return at;
        depth--;
        if (depth === 0) return at + 1;
        break;
      case COMMA:
        if (depth === 0) return at;
        break;
      default:
    }
  }
  return text.length;
}
