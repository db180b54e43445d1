/** docs/config.md, from the JSON schemas of the files that people write. */

/** The part of JSON Schema that our schemas use. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly prefixItems?: readonly Schema[];
  readonly items?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

interface Field {
  /** Such as `input.shape`. */
  readonly path: string;
  readonly takes: string;
  /** Whether it has to be there, what stands for it otherwise. */
  readonly default: string;
  readonly description: string;
}

const code = (value: unknown): string => `\`${JSON.stringify(value)}\``;

/** From 2^53 on a bound is that of JSON, not ours. */
function boundsOf({ minimum, maximum }: Schema): string {
  const [low, high] = [minimum ?? -Infinity, maximum ?? Infinity];
  if (low <= -Number.MAX_SAFE_INTEGER && high >= Number.MAX_SAFE_INTEGER) return '';
  if (high >= Number.MAX_SAFE_INTEGER) return ` from ${low}`;
  return ` ${low} to ${high}`;
}

function takesOf(schema: Schema): string {
  const { type, items, prefixItems, minItems, maxItems } = schema;
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) return either.map(takesOf).join(', or ');
  if (type === 'integer' || type === 'number') return `${type}${boundsOf(schema)}`;
  if (type === 'string' && schema.pattern !== undefined) return 'integer as a string';
  if (type === 'string' && schema.maxLength !== undefined)
    return `string of ${schema.minLength ?? 0} to ${schema.maxLength} characters`;
  if (type === 'object') return schema.properties === undefined ? 'object' : objectOf(schema.properties);
  if (type !== 'array') return type ?? 'anything';
  if (prefixItems !== undefined) return `${prefixItems.length} of: ${takesOf(prefixItems[0] ?? {})}`;
  const count = maxItems === undefined ? 'list' : `${minItems ?? 0} to ${maxItems}`;
  return typeof items !== 'object' ? count : `${count} of: ${takesOf(items)}`;
}

const objectOf = (properties: Readonly<Record<string, Schema>>): string =>
  `{ ${Object.keys(properties)
    .map((name) => `\`${name}\``)
    .join(', ')} }`;

/** What is called by a name of its own within a list: a kind of layer. */
function kindOf({ properties }: Schema): string {
  const kind = properties?.['kind']?.const;
  return typeof kind === 'string' ? kind : '';
}

/** Every field of a schema, in its order, fields of fields after them. */
export function fieldsOf(schema: Schema, above = ''): Field[] {
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, property]): Field[] => {
    const path = above === '' ? name : `${above}.${name}`;
    const must = schema.required?.includes(name) === true;
    const fallback = property.default === undefined ? '' : code(property.default);
    const inner = fieldsOf(property, path);
    return [
      {
        path,
        takes: property.type === 'object' ? 'object' : takesOf(property),
        default: must ? 'required' : fallback,
        description: property.description ?? '',
      },
      ...inner,
    ];
  });
  const items = typeof schema.items === 'object' ? [schema.items] : [];
  const within = [
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...items.flatMap((one) => one.oneOf ?? []),
  ];
  return [
    ...fields,
    ...within.flatMap((one) => fieldsOf(one, kindOf(one) === '' ? above : `${above}[${kindOf(one)}]`)),
  ];
}

const ABOUT: Readonly<Record<string, readonly [title: string, text: string]>> = {
  config: [
    'Filter config: `*.conv.json`',
    `One integer convolution, for \`compile\`, \`run\` and \`lint\`. \`cipherconv init\` writes a first one. The package has this
schema as \`schema/conv.schema.json\`: name it in \`$schema\`, and an editor completes and checks the fields.`,
  ],
  architecture: [
    'Architecture: what `fit` trains',
    'Layers of a network whose activations are squares ([fit.md](fit.md)). `cipherconv schema architecture` prints its schema.',
  ],
  lint: [
    'Linter settings: `cipherconv.config.json`',
    'The level of each rule ([lint.md](lint.md)). The nearest file above a config or model counts. `cipherconv schema lint` prints its schema.',
  ],
};

const HEAD = `# Files that people write

The fields of three kinds of files, from their JSON schemas (\`cipherconv schema\`). A test writes this page and fails when the
schemas say something else. All three are strict: a key that is not in the table is an error, which names it.
`;

function tableOf(schema: Schema): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const rows = fieldsOf(schema).map(
    ({ path, takes, default: fallback, description }) =>
      `| ${[`\`${path}\``, takes, fallback, description].map(cell).join(' | ')} |`,
  );
  return ['| field | takes | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

export function schemaPage(schemas: readonly { readonly kind: string; readonly schema: Schema }[]): string {
  const sections = schemas.map(({ kind, schema }) => {
    const [title, text] = ABOUT[kind] ?? [kind, ''];
    return `## ${title}\n\n${text}\n\n${tableOf(schema)}\n`;
  });
  return [HEAD, ...sections].join('\n');
}
