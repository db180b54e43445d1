import type { DocumentNode, ValueNode } from '@humanwhocodes/momoa';
import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import { printable } from '../../compiler/base/printable.ts';
import { parseFilterConfig, TooWideError } from '../frontend/config.ts';
import { LocatedError } from '../frontend/positions.ts';
import type { JsonPath } from '../frontend/positions.ts';
import { npyLoader } from '../frontend/sources.ts';
import { analyze } from '../lint/analyze.ts';
import type { Level } from '../lint/finding.ts';
import { tooWideFinding, unreadableFinding } from '../lint/refusal.ts';
import { LAYER_RULES, unreadableFile } from '../lint/registry.ts';
import type { Rule, Subject } from '../lint/rule.ts';
import { rulePage } from '../lint/rulePages.ts';
import { DEFAULT_SETTINGS } from '../lint/settings.ts';
import { sourceOf } from '../lint/lintSources.ts';
import { VERSION } from '../version.ts';
import { suggestionsFor } from './suggest.ts';
import type { Edit, Fixer, Suggestion } from './suggest.ts';

export type { Edit, Fixer, Suggestion };

/**
 * `cipherconv/eslint`: the linter's rules on `*.conv.json`, for the JSON language of @eslint/json, so that editors
 * underline the weights. The interfaces are the part of ESLint's that is used: eslint itself is an optional peer.
 */

/** A place in a text, as ESLint counts. */
export interface Place {
  /** Line, from 1. */
  readonly line: number;
  /** Column, from 1 in the JSON language. */
  readonly column: number;
}

/** What ESLint tells a rule of a file, the part that is used. */
export interface RuleContext {
  /** Path of the file. */
  readonly filename: string;
  /** Options of the rule, as the configuration has them. */
  readonly options: readonly unknown[];
  /** As ESLint types it for every language, binary ones too; `bodyOf` makes sure of the tree. */
  readonly sourceCode: {
    /** Text of the file. */
    readonly text?: string;
    /** Tree of the file: a document of momoa. */
    readonly ast: unknown;
  };
  /** Hands in a finding. */
  readonly report: (problem: {
    readonly loc: { readonly start: Place; readonly end: Place };
    readonly message: string;
    readonly suggest: Suggestion[];
  }) => void;
}

/** A rule as ESLint takes it, the part that is used. */
export interface EslintRule {
  /** What ESLint and editors show of the rule. */
  readonly meta: {
    /** Whether findings are mistakes or advice. */
    readonly type: 'problem' | 'suggestion';
    /** Texts for people. */
    readonly docs: {
      /** What the rule finds, as one clause. */
      readonly description: string;
      /** Page of the rule. */
      readonly url: string;
    };
    /** Whether findings offer changes. */
    readonly hasSuggestions: boolean;
    /** JSON Schema of the options; empty for a rule without any. */
    readonly schema: readonly object[];
  };
  /** Called by ESLint for each file. */
  readonly create: (context: RuleContext) => {
    /** Called at the root of the tree. */
    readonly Document: () => void;
  };
}

type Outcome =
  | { readonly kind: 'read'; readonly subject: Subject }
  | { readonly kind: 'refused'; readonly error: CipherconvError };

/** All rules look at the same analysis of one text. */
const outcomes = new WeakMap<object, Outcome>();

function outcomeOf({ sourceCode, filename }: RuleContext): Outcome {
  const known = outcomes.get(sourceCode);
  if (known !== undefined) return known;
  const outcome = read(sourceCode.text ?? '', filename);
  outcomes.set(sourceCode, outcome);
  return outcome;
}

function read(text: string, file: string): Outcome {
  try {
    const { layers } = sourceOf(parseFilterConfig(text, { file, loadNpy: npyLoader(file) }));
    const layer = layers[0]!;
    const analysis = analyze(layer.spec);
    return { kind: 'read', subject: { ...layer, analysis, options: DEFAULT_SETTINGS, sharedBits: 0 } };
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    return { kind: 'refused', error };
  }
}

function ruleFor(rule: Rule): EslintRule {
  const hasBits = rule.name === 'low-headroom';
  const bits = { type: 'integer', minimum: 0, maximum: 64 };
  return {
    meta: {
      type: rule.level === 'info' ? 'suggestion' : 'problem',
      docs: { description: rule.summary, url: rulePage(rule.name) },
      hasSuggestions: true,
      schema: hasBits ? [{ type: 'object', properties: { bits }, additionalProperties: false }] : [],
    },
    create: (context) => ({
      Document: () => {
        const outcome = outcomeOf(context);
        if (outcome.kind === 'refused') {
          if (rule.name === 'beyond-bfv' && outcome.error instanceof TooWideError)
            reportTooWide(context, outcome.error);
          return;
        }
        const options = { ...DEFAULT_SETTINGS, headroomBits: bitsOf(context.options[0]) };
        for (const draft of rule.check({ ...outcome.subject, options })) {
          context.report({
            loc: locOf(context, draft.underline ?? draft.path),
            message: withHint(draft.message, draft.hint),
            suggest: suggestionsFor(draft, bodyOf(context.sourceCode.ast)),
          });
        }
      },
    }),
  };
}

function bitsOf(option: unknown): number {
  if (typeof option !== 'object' || option === null || !('bits' in option)) return 0;
  return typeof option.bits === 'number' ? option.bits : 0;
}

/** What is no filter config, or not a consistent one. */
const unreadable: EslintRule = {
  meta: {
    type: 'problem',
    docs: { description: unreadableFile.summary, url: rulePage(unreadableFile.name) },
    hasSuggestions: false,
    schema: [],
  },
  create: (context) => ({
    Document: () => {
      const outcome = outcomeOf(context);
      if (outcome.kind === 'read' || outcome.error instanceof TooWideError) return;
      const finding = unreadableFinding(outcome.error, context.filename, DEFAULT_SETTINGS);
      if (finding === null) return;
      const message = withHint(finding.message, finding.hint);
      context.report({ loc: errorLoc(context, outcome.error), message, suggest: [] });
    },
  }),
};

function reportTooWide(context: RuleContext, error: TooWideError): void {
  const finding = tooWideFinding(error, DEFAULT_SETTINGS);
  if (finding === null) return;
  const loc = locOf(context, ['weights', 'shape']);
  context.report({ loc, message: withHint(finding.message, finding.hint), suggest: [] });
}

function withHint(message: string, hint: string | null): string {
  return printable(hint === null ? message : `${message}. Try: ${hint}.`);
}

function errorLoc({ sourceCode }: RuleContext, error: CipherconvError): { start: Place; end: Place } {
  const start = error instanceof LocatedError ? error.position : null;
  if (start === null) return bodyOf(sourceCode.ast).loc;
  return { start, end: { line: start.line, column: start.column + 1 } };
}

/** All of what `path` names, or of the closest thing above it. */
function locOf({ sourceCode }: RuleContext, path: JsonPath): { start: Place; end: Place } {
  let node = bodyOf(sourceCode.ast);
  for (const key of path) {
    const child: ValueNode | undefined = childOf(node, key);
    if (child === undefined) break;
    node = child;
  }
  return node.loc;
}

/** The value that a JSON document is. */
function bodyOf(ast: unknown): ValueNode {
  if (isDocument(ast)) return ast.body;
  throw internalError('these rules are for the language json/json of @eslint/json');
}

function isDocument(ast: unknown): ast is DocumentNode {
  return typeof ast === 'object' && ast !== null && 'type' in ast && ast.type === 'Document' && 'body' in ast;
}

function childOf(node: ValueNode, key: string | number): ValueNode | undefined {
  if (node.type === 'Array') return typeof key === 'number' ? node.elements[key]?.value : undefined;
  if (node.type !== 'Object') return undefined;
  return node.members.find(({ name }) => name.type === 'String' && name.value === key)?.value;
}

const rules: Readonly<Record<string, EslintRule>> = {
  ...Object.fromEntries(LAYER_RULES.map((rule) => [rule.name, ruleFor(rule)])),
  unreadable,
};

const SEVERITIES: Readonly<Record<Level, 'error' | 'warn' | 'off'>> = {
  error: 'error',
  warning: 'warn',
  info: 'off',
};

/** ESLint has no level for information: `recommended` leaves such rules off, `all` makes them warnings. */
function severities(info: 'warn' | 'off'): Record<string, 'error' | 'warn' | 'off'> {
  const chosen = LAYER_RULES.map(({ name, level }): [string, 'error' | 'warn' | 'off'] => [
    `cipherconv/${name}`,
    level === 'info' ? info : SEVERITIES[level],
  ]);
  return { ...Object.fromEntries(chosen), 'cipherconv/unreadable': 'error' };
}

/** One entry of a flat config; the plugin `json` must be there too. */
export interface CipherconvConfig {
  /** `cipherconv/recommended` or `cipherconv/all`. */
  readonly name: string;
  /** Globs of the files that it is for. */
  readonly files: string[];
  /** The JSON language of `@eslint/json`. */
  readonly language: 'json/json';
  /** This plugin, as `cipherconv`. */
  readonly plugins: Record<string, CipherconvPlugin>;
  /** Severities by rule, `cipherconv/` in front of the name. */
  readonly rules: Record<string, 'error' | 'warn' | 'off'>;
}

/** The plugin as a flat config of ESLint takes it. */
export interface CipherconvPlugin {
  /** What ESLint knows the plugin by. */
  readonly meta: {
    /** Name of the plugin. */
    readonly name: string;
    /** Version of cipherconv. */
    readonly version: string;
  };
  /** The rules by name. */
  readonly rules: Readonly<Record<string, EslintRule>>;
  /** Ready entries of a flat config. */
  readonly configs: {
    /** Errors and warnings; rules that only inform are off. */
    recommended: CipherconvConfig;
    /** Every rule; those that only inform are warnings. */
    all: CipherconvConfig;
  };
}

function configOf(name: string, info: 'warn' | 'off'): CipherconvConfig {
  return {
    name: `cipherconv/${name}`,
    files: ['**/*.conv.json'],
    language: 'json/json',
    get plugins() {
      return { cipherconv: plugin };
    },
    rules: severities(info),
  };
}

/** The plugin: `plugins: { cipherconv }`, or an entry of its `configs`. */
const plugin: CipherconvPlugin = {
  meta: { name: 'cipherconv', version: VERSION },
  rules,
  configs: { recommended: configOf('recommended', 'off'), all: configOf('all', 'warn') },
};

export default plugin;
