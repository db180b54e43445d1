import type { ParsedConfig } from '../frontend/config.ts';
import { loadConfig } from '../frontend/sources.ts';
import type { LintSource } from './rule.ts';

/**
 * The readers, by how a file's name ends. A new format is one line here: what it reads becomes a `LintSource`, and rules
 * and reporters do not know the difference.
 */
interface Reader {
  readonly suffix: string;
  /** Whether files of this kind are looked for in folders. */
  readonly searched: boolean;
  /** @throws CipherconvError for a file that cannot be linted. */
  readonly read: (path: string) => Promise<LintSource>;
}

const readConfig = async (path: string): Promise<LintSource> => sourceOf(await loadConfig(path));

const READERS: readonly Reader[] = [
  { suffix: '.conv.json', searched: true, read: readConfig },
  // Models: loadConfig refuses them clearly until they can be imported. A folder's models are counted, not refused.
  { suffix: '.onnx', searched: false, read: readConfig },
];

/** A parsed filter config as the linter sees it. */
export function sourceOf(config: ParsedConfig): LintSource {
  const { spec, layout, locate, weightPath, file } = config;
  const layer = { name: spec.name, op: 'ConvInteger', spec, layout, locate, weightPath };
  return { file, layers: [layer], unsupported: [] };
}

function readerOf(path: string): Reader | undefined {
  const lower = path.toLowerCase();
  return READERS.find(({ suffix }) => lower.endsWith(suffix));
}

/** What a folder's file is to the linter. */
export function searchedAs(name: string): 'linted' | 'skipped' | 'other' {
  const reader = readerOf(name);
  if (reader === undefined) return 'other';
  return reader.searched ? 'linted' : 'skipped';
}

/** Reads one file; a name that says nothing is taken for a filter config. */
export function readSource(path: string): Promise<LintSource> {
  return (readerOf(path)?.read ?? readConfig)(path);
}
