/** What `schema` can print. */
export const SCHEMAS = ['config', 'architecture', 'lint'] as const;

export type SchemaKind = (typeof SCHEMAS)[number];
