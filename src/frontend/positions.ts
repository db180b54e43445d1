import { parse as parseWithPositions } from '@humanwhocodes/momoa';
import type { ValueNode } from '@humanwhocodes/momoa';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ErrorDetails } from '../../compiler/base/errors.ts';
import { offsetOf } from './scanJson.ts';
import type { JsonPath, Target } from './scanJson.ts';

/** Where in a JSON text something sits; both count from 1, as editors do. */
export interface Position {
  /** Line, from 1. */
  readonly line: number;
  /** Column in UTF-16 code units, from 1. */
  readonly column: number;
}

export type { JsonPath, Target };

/** A refusal that points into a text file. `position` is null when the fault has no place in it. */
export class LocatedError extends CipherconvError {
  /** Name of the file, as the caller gave it. */
  readonly file: string;
  /** Line and column of the fault; null when it has no place in the file. */
  readonly position: Position | null;

  constructor(file: string, position: Position | null, details: ErrorDetails, options?: ErrorOptions) {
    const place = position === null ? file : `${file}:${position.line}:${position.column}`;
    const where = details.where === undefined ? place : `${place}: ${details.where}`;
    super({ ...details, where }, options);
    this.name = 'LocatedError';
    this.file = file;
    this.position = position;
  }
}

/** Prints a path as people write it: `weights.values[12]`. */
export function formatPath(path: JsonPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

/**
 * Parses JSON with the engine's parser, which is fast; positions are worked out only when something is wrong.
 * A byte order mark is ignored. A key given twice in one object is an error: JSON.parse would silently drop one.
 * @throws LocatedError `malformed-json` with line and column.
 */
export function parseJson(text: string, file: string): unknown {
  const bare = withoutByteOrderMark(text);
  let value: unknown;
  try {
    value = JSON.parse(bare);
  } catch (error) {
    throw syntaxError(bare, file, error);
  }
  if (writtenKeys(bare) !== keptKeys(value)) throw duplicateKeyError(bare, file);
  return value;
}

/** Finds places in one text. */
export type Locator = (path: JsonPath, target?: Target) => Position;

/** A `Locator` for a text that JSON.parse accepts: of what a path names, or of the closest thing above it. */
export function createLocator(text: string): Locator {
  const bare = withoutByteOrderMark(text);
  return (path, target = 'value') => positionAt(bare, offsetOf(bare, path, target));
}

/** Position of what `path` names in a text that JSON.parse accepts, or of the closest thing above it. */
export function locate(text: string, path: JsonPath, target: Target = 'value'): Position {
  return createLocator(text)(path, target);
}

function positionAt(text: string, offset: number): Position {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf('\n'); end >= 0 && end < offset; end = text.indexOf('\n', start)) {
    line++;
    start = end + 1;
  }
  return { line, column: offset - start + 1 };
}

/** momoa recurses, so a text nested thousands of levels deep makes it fail: then there are no positions. */
function parseForPositions(text: string): ValueNode | null {
  try {
    return parseWithPositions(text).body;
  } catch {
    return null;
  }
}

function withoutByteOrderMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

function startOf(node: { readonly loc: { readonly start: Position } }): Position {
  return { line: node.loc.start.line, column: node.loc.start.column };
}

function syntaxError(text: string, file: string, cause: unknown): LocatedError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  let position = positionInMessage(text, reason);
  let message = `not valid JSON: ${reason}`;
  try {
    parseWithPositions(text);
  } catch (error) {
    if (isPositioned(error)) {
      position = { line: error.line, column: error.column };
      message = `not valid JSON: ${plainTokenNames(error.message)}`;
    }
  }
  return new LocatedError(file, position, { code: 'malformed-json', message }, { cause });
}

function isPositioned(error: unknown): error is Error & Position {
  return error instanceof Error && 'line' in error && 'column' in error;
}

const TOKEN_SIGNS: Readonly<Record<string, string>> = {
  LBrace: '{',
  RBrace: '}',
  LBracket: '[',
  RBracket: ']',
  Comma: ',',
  Colon: ':',
};

/** momoa names tokens ("RBrace") and ends with "(2:6)"; people read signs, and the place stands in front already. */
function plainTokenNames(message: string): string {
  return message
    .replace(/\s*\(\d+:\d+\)$/, '')
    .replace(/\.$/, '')
    .replace(/token (\w+)/, (whole, name: string) =>
      name in TOKEN_SIGNS ? `"${TOKEN_SIGNS[name] ?? ''}"` : whole,
    )
    .replace(/^Unexpected/, 'unexpected')
    .replace(/ found$/, '');
}

/** V8 says "at position 12" for what momoa takes leniently, such as a line break inside a string. */
function positionInMessage(text: string, message: string): Position | null {
  const offset = /at position (\d+)/.exec(message)?.[1];
  if (offset === undefined) return null;
  const before = text.slice(0, Number(offset)).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Number of `"key":` in a valid JSON text; each string is stepped over whole, so that one inside another is not counted. */
function writtenKeys(text: string): number {
  let count = 0;
  for (let open = text.indexOf('"'); open >= 0;) {
    let close = text.indexOf('"', open + 1);
    while (isEscaped(text, close)) close = text.indexOf('"', close + 1);
    let after = close + 1;
    while (' \t\r\n'.includes(text.charAt(after)) && after < text.length) after++;
    if (text.charAt(after) === ':') count++;
    open = text.indexOf('"', close + 1);
  }
  return count;
}

/** Whether an odd number of backslashes stands before `offset`. */
function isEscaped(text: string, offset: number): boolean {
  let start = offset;
  while (text.charAt(start - 1) === '\\') start--;
  return (offset - start) % 2 === 1;
}

function keptKeys(root: unknown): number {
  let count = 0;
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== 'object' || value === null) continue;
    const children: unknown[] = Object.values(value);
    if (!Array.isArray(value)) count += children.length;
    for (const child of children) if (typeof child === 'object' && child !== null) pending.push(child);
  }
  return count;
}

function duplicateKeyError(text: string, file: string): LocatedError {
  const root = parseForPositions(text);
  const found = root === null ? null : findDuplicate(root);
  const key = found === null ? 'a key' : `key ${JSON.stringify(found.key)}`;
  return new LocatedError(file, found?.position ?? null, {
    code: 'malformed-json',
    message: `${key} is given twice in one object`,
    hint: 'keep one of the two',
  });
}

function findDuplicate(root: ValueNode): { readonly key: string; readonly position: Position } | null {
  const pending: ValueNode[] = [root];
  while (pending.length > 0) {
    const node = pending.pop();
    if (node?.type === 'Array') for (const element of node.elements) pending.push(element.value);
    if (node?.type !== 'Object') continue;
    const seen = new Set<string>();
    for (const { name, value } of node.members) {
      const key = name.type === 'String' ? name.value : '';
      if (seen.has(key)) return { key, position: startOf(name) };
      seen.add(key);
      pending.push(value);
    }
  }
  return null;
}
