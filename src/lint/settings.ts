import { z } from 'zod';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { nearest } from '../frontend/nearest.ts';
import { parseJson } from '../frontend/positions.ts';
import { schemaError } from '../frontend/schemaIssues.ts';
import type { ConfigurableRule, Level } from './finding.ts';
import { RULE_NAMES } from './finding.ts';
import { ALL_RULES } from './registry.ts';
import type { RuleOptions } from './rule.ts';

/** `cipherconv.config.json`: levels of the linter's rules. Strict: an unknown key is an error. */

const LEVELS = ['error', 'warning', 'info', 'off'] as const;

/** A level, or `off`: the rule is not run. */
export type RuleLevel = Level | 'off';

const level = z.enum(LEVELS);
const names = RULE_NAMES.filter((name) => name !== 'low-headroom');

/** The level of one rule, described by what the rule finds. */
function levelOf(name: ConfigurableRule): z.ZodOptional<typeof level> {
  const summary = ALL_RULES.find((rule) => rule.name === name)?.summary ?? '';
  return level.optional().meta({ description: summary });
}

const rulesSchema = z.strictObject({
  ...(Object.fromEntries(names.map((name) => [name, levelOf(name)])) as Record<
    Exclude<ConfigurableRule, 'low-headroom'>,
    z.ZodOptional<typeof level>
  >),
  'low-headroom': z
    .union([
      level,
      z.strictObject({
        level: level.default('warning').meta({ description: 'Its level.' }),
        bits: z.int().min(0).max(64).meta({ description: 'Bits of headroom that are wanted.' }),
      }),
    ])
    .optional()
    .meta({ description: 'A level, or { "level", "bits" } with the bits of headroom that are wanted.' }),
});

export const settingsSchema = z.strictObject({
  $schema: z.string().optional().meta({ description: 'Where editors find this schema; not read.' }),
  rules: rulesSchema.optional().meta({ description: 'Levels by rule; the others keep theirs.' }),
});

/** `cipherconv.config.json` as written. */
export interface LintConfigInput {
  /** Of the JSON schema, for editors; not read. */
  readonly $schema?: string;
  /** Levels by rule; the others keep theirs. `low-headroom` takes the bits of headroom too. */
  readonly rules?: Partial<Readonly<Record<Exclude<ConfigurableRule, 'low-headroom'>, RuleLevel>>> & {
    /** A level, or a level with the headroom that is wanted. */
    readonly 'low-headroom'?:
      | RuleLevel
      | {
          /** Default `warning`. */
          readonly level?: RuleLevel;
          /** Bits of headroom that are wanted, 0 to 64. */
          readonly bits: number;
        };
  };
}

/** JSON Schema (draft 2020-12) of `cipherconv.config.json`, for editors. */
export function lintConfigJsonSchema(): Record<string, unknown> {
  return { title: 'cipherconv linter settings', ...z.toJSONSchema(settingsSchema, { io: 'input' }) };
}

/** What the linter goes by. */
export interface Settings extends RuleOptions {
  readonly levels: Readonly<Record<ConfigurableRule, RuleLevel>>;
}

/** What the command line or a caller chooses; wins over files. */
export interface Overrides {
  /** Levels by rule; the others keep theirs. */
  readonly rules?: Partial<Readonly<Record<ConfigurableRule, RuleLevel>>>;
  /** Bits of headroom that `low-headroom` wants, 0 to 64. */
  readonly headroomBits?: number;
}

export const DEFAULT_SETTINGS: Settings = Object.freeze({
  levels: Object.freeze(
    Object.fromEntries(ALL_RULES.map((rule) => [rule.name, rule.level])) as Record<ConfigurableRule, Level>,
  ),
  headroomBits: 0,
});

/**
 * Reads the text of a `cipherconv.config.json`.
 * @throws LocatedError `malformed-json` or `malformed-config`.
 */
export function parseSettings(text: string, file: string): Settings {
  const value = parseJson(text, file);
  const result = settingsSchema.safeParse(value);
  if (!result.success) {
    const describeUnion = (): string => `${LEVELS.join(', ')}, or { "level": ..., "bits": ... }`;
    const title = 'cipherconv.config.json';
    const kind = { code: 'malformed-config', title, schema: settingsSchema, describeUnion } as const;
    throw schemaError(kind, result.error.issues, value, text, file);
  }
  const { 'low-headroom': headroom, ...rules } = result.data.rules ?? {};
  const chosen = typeof headroom === 'object' ? headroom.level : headroom;
  return withOverrides(DEFAULT_SETTINGS, {
    rules: { ...withoutUndefined(rules), ...(chosen === undefined ? {} : { 'low-headroom': chosen }) },
    ...(typeof headroom === 'object' ? { headroomBits: headroom.bits } : {}),
  });
}

function withoutUndefined(
  rules: Partial<Record<ConfigurableRule, RuleLevel | undefined>>,
): Partial<Record<ConfigurableRule, RuleLevel>> {
  const entries = Object.entries(rules).filter(([, chosen]) => chosen !== undefined);
  return Object.fromEntries(entries);
}

export function withOverrides(settings: Settings, overrides: Overrides): Settings {
  return {
    levels: { ...settings.levels, ...overrides.rules },
    headroomBits: overrides.headroomBits ?? settings.headroomBits,
  };
}

/**
 * Reads `name=level` of a command line.
 * @throws CipherconvError `usage`.
 */
export function parseRuleLevel(text: string): readonly [ConfigurableRule, RuleLevel] {
  const [name = '', chosen, ...more] = text.split('=');
  const rule = RULE_NAMES.find((known) => known === name);
  const found = LEVELS.find((known) => known === chosen);
  if (rule !== undefined && found !== undefined && more.length === 0) return [rule, found];
  const suggestion = rule === undefined ? nearest(name, RULE_NAMES) : null;
  throw new CipherconvError({
    code: 'usage',
    where: '--rule',
    message: rule === undefined ? 'no such rule' : 'no such level',
    expected:
      rule === undefined
        ? `name=level with a rule of ${RULE_NAMES.join(', ')}`
        : `${name}=${LEVELS.join('|')}`,
    found: text,
    ...(suggestion === null ? {} : { hint: `did you mean "${suggestion}"?` }),
  });
}
