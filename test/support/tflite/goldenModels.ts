import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeNpyNumbers } from '../../../src/frontend/npy.ts';
import { bytesOf } from '../../../src/frontend/tflite/elements.ts';
import type { DenseTensor } from '../../../src/interpreter/values.ts';
import { typedTensor } from '../../../src/model/typedTensor.ts';
import type { TypedTensor } from '../../../src/model/typedTensor.ts';

/** Outside TFLite models with every activation recorded: a manifest for each, tensors as .npy files. */

interface Recorded {
  /** Of the elements, little-endian. */
  readonly sha256: string;
  readonly file?: string;
  /** With one rounding; `same` where it makes no difference. */
  readonly sha256_single_rounding?: string;
}

interface ManifestTensor {
  /** null where the file has none. */
  readonly name: string | null;
  readonly type: TypedTensor['type'];
  readonly shape: readonly number[];
}

interface Manifest {
  readonly model: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly tensors: Readonly<Record<string, ManifestTensor>>;
  readonly cases: Readonly<Record<string, { readonly tensors: Readonly<Record<string, Recorded>> }>>;
}

/** A model of the collection. */
export interface GoldenModel {
  /** Such as small/conv0. */
  readonly name: string;
  readonly path: string;
  readonly cases: readonly GoldenCase[];
  /** Names of the model's outputs. */
  readonly outputs: readonly string[];
}

interface GoldenCase {
  readonly name: string;
  readonly inputs: ReadonlyMap<string, TypedTensor>;
  /** All that the case has, by the name of the tensor. */
  readonly recorded: ReadonlyMap<string, Digests>;
}

/** Digests of a tensor's elements. */
interface Digests {
  readonly double: string;
  /** null where it was not recorded. */
  readonly single: string | null;
}

/** @param folder that holds golden/ and models/ */
export function goldenModels(folder: string): GoldenModel[] {
  return readdirSync(join(folder, 'golden'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('manifest.json'))
    .map((file) => file.slice(0, -'/manifest.json'.length))
    .sort()
    .map((name) => readGolden(folder, name));
}

function readGolden(folder: string, name: string): GoldenModel {
  const at = join(folder, 'golden', name);
  const manifest = JSON.parse(readFileSync(join(at, 'manifest.json'), 'utf8')) as Manifest;
  const tensor = (index: number | string): ManifestTensor & { readonly name: string } => {
    const found = manifest.tensors[index];
    if (found === undefined) throw new Error(`${name}: no tensor ${index}`);
    return { ...found, name: found.name ?? `tensor ${index}` };
  };
  const cases = Object.entries(manifest.cases).map(([caseName, { tensors }]): GoldenCase => {
    const inputs = manifest.inputs.map((index) => {
      const { name: inputName, type } = tensor(index);
      const file = join(at, tensors[index]?.file ?? '');
      const { shape, data } = decodeNpyNumbers(readFileSync(file), file);
      return [inputName, typedTensor(type, shape, data, file)] as const;
    });
    const recorded = Object.entries(tensors).map(
      ([index, { sha256, sha256_single_rounding: single }]) =>
        [
          tensor(index).name,
          { double: sha256, single: single === 'same' ? sha256 : (single ?? null) },
        ] as const,
    );
    return { name: caseName, inputs: new Map(inputs), recorded: new Map(recorded) };
  });
  const outputs = manifest.outputs.map((index) => tensor(index).name);
  return { name, path: join(folder, manifest.model), cases, outputs };
}

/** Digest of a tensor's elements, as the manifests have it. */
export function digestOf({ type, data }: DenseTensor): string {
  return createHash('sha256').update(bytesOf(type, data)).digest('hex');
}
