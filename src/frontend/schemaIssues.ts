import { z } from 'zod';
import type { ErrorCode, ErrorDetails } from '../../compiler/base/errors.ts';
import { nearest } from './nearest.ts';
import { describeJson } from './nested.ts';
import { formatPath, locate, LocatedError } from './positions.ts';
import type { JsonPath } from './positions.ts';

/** What messages about one kind of document need to know of it. */
export interface DocumentKind {
  readonly code: ErrorCode;
  /** "a filter config" */
  readonly title: string;
  readonly schema: z.ZodType;
  /** What a union at this place takes, in words. */
  readonly describeUnion: (path: JsonPath) => string;
}

type Issue = z.core.$ZodIssue;

/**
 * Makes an error of the first issue that a schema found, unknown keys before anything else, because a misspelt key is
 * often also a missing one. `text` is what `value` was parsed from, to point into.
 */
export function schemaError(
  kind: DocumentKind,
  issues: readonly Issue[],
  value: unknown,
  text: string,
  file: string,
): LocatedError {
  const other = documentTitle(value);
  if (other !== null && other !== kind.title) return otherDocument(kind, other, text, file);
  const all = issues.map(innermost);
  const issue = all.find(({ code }) => code === 'unrecognized_keys') ?? all[0];
  const path = (issue?.path ?? []).filter((key) => typeof key !== 'symbol');
  if (issue?.code === 'unrecognized_keys')
    return unknownKeyError({ kind, value, text, file }, path, issue.keys[0] ?? '');
  const found = valueAt(value, path);
  const isMissing = found === undefined;
  const details: ErrorDetails = {
    code: kind.code,
    ...(path.length === 0 ? {} : { where: formatPath(path) }),
    message: isMissing ? `missing key "${String(path.at(-1))}"` : `not what ${kind.title} has here`,
    expected: issue === undefined ? kind.title : expectation(kind, issue, path),
    ...(isMissing ? {} : { found: describeJson(found) }),
  };
  return new LocatedError(file, locate(text, path), details);
}

const FORMATS: Readonly<Record<string, string>> = {
  'cipherconv-plan': 'a plan',
  'cipherconv-client-plan': 'a client plan',
  'cipherconv-model-plan': "a model's plan",
  'cipherconv-client-model': 'the client plan of a model',
  'cipherconv-server-model': "the server's part of a model",
  'cipherconv-network-plan': "a network's plan",
  'cipherconv-client-network': 'the client plan of a network',
};

/** What a document clearly is, in the words of `DocumentKind.title`; null where that is not clear. */
function documentTitle(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  if ('format' in value && typeof value.format === 'string') return FORMATS[value.format] ?? null;
  if ('weights' in value && 'input' in value) return 'a filter config';
  if ('shape' in value && 'data' in value) return 'a tensor';
  return 'rules' in value ? 'cipherconv.config.json' : null;
}

/** How to come to a document of this kind. */
const SOURCES: Readonly<Record<string, string>> = {
  'a plan': 'compile CONFIG -o FILE writes a plan',
  'a client plan': 'compile CONFIG -o PLAN --client-plan FILE writes a client plan',
  "a model's plan": 'compile MODEL -o FILE writes the plan of a model',
};

const ON_COMMAND_LINE = 'on the command line, explain, run and serve take it as it is';

/** Who takes what stands in place of a filter config. */
const TAKERS: Readonly<Record<string, string>> = {
  'a plan': ON_COMMAND_LINE,
  "a model's plan": ON_COMMAND_LINE,
  "a network's plan": ON_COMMAND_LINE,
};

/** One document in place of another: its first unknown key would be beside the point. */
function otherDocument(
  { code, title }: DocumentKind,
  found: string,
  text: string,
  file: string,
): LocatedError {
  const hint = SOURCES[title] ?? TAKERS[found];
  return new LocatedError(file, locate(text, []), {
    code,
    message: `this is ${found}, not ${title}`,
    expected: title,
    found,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Of a failed union, the issue of the branch whose outer type fits; of none, the union itself. */
function innermost(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const branch = issue.errors.find((issues) =>
    issues.every(({ path, code }) => path.length > 0 || code !== 'invalid_type'),
  );
  const inner = branch?.find(({ code }) => code === 'unrecognized_keys') ?? branch?.[0];
  return inner === undefined ? issue : innermost({ ...inner, path: [...issue.path, ...inner.path] });
}

/** A document that was read: what it should be, what it says, and the text and the file it was parsed from. */
interface ReadDocument {
  readonly kind: DocumentKind;
  readonly value: unknown;
  readonly text: string;
  readonly file: string;
}

function unknownKeyError(
  { kind, value, text, file }: ReadDocument,
  path: JsonPath,
  key: string,
): LocatedError {
  const known = [...new Set(knownKeys(kind.schema, path, value))];
  const suggestion = nearest(key, known);
  const object = path.length === 0 ? kind.title : formatPath(path);
  return new LocatedError(file, locate(text, [...path, key], 'key'), {
    code: kind.code,
    where: formatPath([...path, key]),
    message: `unknown key ${JSON.stringify(key)}`,
    expected: `${object} has only the keys ${known.join(', ')}`,
    hint: suggestion === null ? 'remove the key' : `did you mean "${suggestion}"?`,
  });
}

/** The keys that the object at `path` of `value` may have. */
function knownKeys(schema: unknown, path: JsonPath, value: unknown): readonly string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable) {
    return knownKeys(schema.unwrap(), path, value);
  }
  if (schema instanceof z.ZodUnion)
    return fittingOptions(schema.options, value).flatMap((option) => knownKeys(option, path, value));
  const [key, ...rest] = path;
  if (schema instanceof z.ZodArray)
    return key === undefined ? [] : knownKeys(schema.element, rest, valueAt(value, [key]));
  if (!(schema instanceof z.ZodObject)) return [];
  return key === undefined
    ? Object.keys(schema.shape)
    : knownKeys(schema.shape[key], rest, valueAt(value, [key]));
}

/** The options of a union whose fixed values, such as `kind`, are those of the value; all where none has them. */
function fittingOptions(options: readonly unknown[], value: unknown): readonly unknown[] {
  const fitting = options.filter(
    (option) =>
      option instanceof z.ZodObject &&
      Object.entries(option.shape).every(
        ([key, field]) => !(field instanceof z.ZodLiteral) || field.safeParse(valueAt(value, [key])).success,
      ),
  );
  return fitting.length > 0 ? fitting : options;
}

function valueAt(root: unknown, path: JsonPath): unknown {
  return path.reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null) return undefined;
    return Object.getOwnPropertyDescriptor(value, key)?.value as unknown;
  }, root);
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  number: 'an integer',
  int: 'an integer',
  string: 'a string',
  array: 'an array',
  tuple: 'an array',
  object: 'an object',
  boolean: 'true or false',
};

function expectation(kind: DocumentKind, issue: Issue, path: JsonPath): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPE_NAMES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.map((allowed) => JSON.stringify(allowed)).join(' or ');
    case 'too_small':
      return bound(issue.origin, 'at least', Number(issue.minimum));
    case 'too_big':
      return bound(issue.origin, 'at most', Number(issue.maximum));
    case 'invalid_format':
    case 'invalid_union':
      return kind.describeUnion(path);
    default:
      return issue.message;
  }
}

function bound(origin: string, relation: string, limit: number): string {
  // Every array with a bound has a fixed length here.
  if (origin === 'array') return `an array of ${limit} entries`;
  if (origin === 'string') return `${relation} ${limit} character${limit === 1 ? '' : 's'}`;
  return `an integer of ${relation} ${limit}`;
}
