import { widthOfBits, withAccumulatorBits } from '../../compiler/accumulator/declaredWidth.ts';
import { modelFormat } from '../model/modelFiles.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import type { ImportOptions } from '../frontend/onnx/types.ts';
import { loadConfig } from '../frontend/sources.ts';
import { modelSource, sourceOf } from './lintSources.ts';
import type { LintSource } from './rule.ts';

/** What the caller says of models: values for graph inputs, how floats stand for integers, sizes of symbolic extents. */
export type ModelOptions = Pick<ImportOptions, 'bind' | 'inputQuantization' | 'extents'>;

/**
 * The readers, by how a file's name ends. A new format is one line here: what it reads becomes a `LintSource`, and rules
 * and reporters do not know the difference.
 */
interface Reader {
  readonly suffix: string;
  /** @throws CipherconvError for a file that cannot be linted. */
  readonly read: (path: string, options: ModelOptions) => Promise<ReadSource>;
}

/** What a file holds for the linter, and the model where it is one. */
export interface ReadSource {
  readonly source: LintSource;
  readonly model: ImportedModel | null;
}

const readConfig = async (path: string): Promise<ReadSource> => ({
  source: sourceOf(await loadConfig(path)),
  model: null,
});

function readModelAs(model: ImportedModel): ReadSource {
  return { source: modelSource(model), model };
}

/** The importer is loaded for models only: configs and editors do without it. */
async function readModel(path: string, options: ModelOptions): Promise<ReadSource> {
  const { importOnnx } = await import('../frontend/onnx/importOnnx.ts');
  return readModelAs(await importOnnx(path, options));
}

async function readTfliteModel(path: string): Promise<ReadSource> {
  const { importTflite } = await import('../frontend/tflite/importTflite.ts');
  return readModelAs(await importTflite(path));
}

const READERS: readonly Reader[] = [
  { suffix: '.conv.json', read: readConfig },
  { suffix: '.onnx', read: readModel },
  { suffix: '.tflite', read: readTfliteModel },
];

/** Every convolution held to an accumulator of `bits`, as `--accumulator-bits` asks. */
export function holdTo(source: LintSource, bits: number | undefined): LintSource {
  if (bits === undefined) return source;
  return {
    ...source,
    layers: source.layers.map((layer) => ({
      ...layer,
      spec: withAccumulatorBits(layer.spec, bits),
      declares: 'by-option',
    })),
    openLayers: source.openLayers.map((layer) => ({ ...layer, declared: widthOfBits(bits, layer.declared) })),
  };
}

function readerOf(path: string): Reader | undefined {
  const lower = path.toLowerCase();
  return READERS.find(({ suffix }) => lower.endsWith(suffix));
}

/** Whether a file found in a folder is one for the linter. */
export function isLinted(name: string): boolean {
  return readerOf(name) !== undefined;
}

/** Reads one file; what neither its name nor its first bytes tell of is taken for a filter config. */
export async function readSource(path: string, options: ModelOptions = {}): Promise<ReadSource> {
  if ((await modelFormat(path)) === 'tflite') return readTfliteModel(path);
  return (readerOf(path)?.read ?? readConfig)(path, options);
}
