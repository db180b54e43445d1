import { extname } from 'node:path';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { readBytes, readText, STANDARD_STREAM, displayName } from '../frontend/files.ts';
import { decodeNpyNumbers } from '../frontend/npy.ts';
import { decodeTensorFile } from '../frontend/onnx/proto/tensorProto.ts';
import { PICTURE_KINDS, readPicture } from '../frontend/pictureFile.ts';
import { AS_IT_IS } from '../frontend/pictureFit.ts';
import type { PictureRules } from '../frontend/pictureFit.ts';
import type { Picture } from '../frontend/pictureTensor.ts';
import { pictureNumbers } from './modelPicture.ts';
import type { Numbers } from './modelPicture.ts';
import { parseNumbersJson } from './numbersJson.ts';
import type { JoinedModel } from './modelPlan.ts';
import { layoutOf } from './modelFlow.ts';
import type { ModelPort } from './modelFlow.ts';
import { stackSize, unstack } from './stacks.ts';
import { requireCrossing, typedTensor } from './typedTensor.ts';
import type { CrossingElement, TypedTensor } from './typedTensor.ts';

/** What the file of an input holds. */
export type InputFile =
  | { readonly kind: 'numbers'; readonly numbers: Numbers }
  | { readonly kind: 'picture'; readonly picture: Picture };

/** By the name of the input. */
export type InputFiles = ReadonlyMap<string, InputFile>;

type Named = Pick<ModelPort, 'name'>;

/** The inputs of a plan, and what says how pictures lie in them. */
interface PortsOf extends Pick<JoinedModel, 'segments'> {
  readonly inputs: readonly PicturePort[];
}

/** An input, and what the largest sample of a picture becomes there; default: as for every model. */
type PicturePort = ModelPort & { readonly largest?: number };

/**
 * Reads the inputs of a model: .npy, .pb (ONNX TensorProto), .json, .png, .jpg, or `-` for a JSON tensor on stdin.
 * @param ports inputs that the model takes
 * @param given files; `name=file` where the model has several inputs
 * @throws CipherconvError `usage` for inputs left out or unknown, and what reading throws.
 */
export async function readInputFiles(ports: readonly Named[], given: readonly string[]): Promise<InputFiles> {
  const paths = assign(ports, given);
  const files = new Map<string, InputFile>();
  for (const port of ports) {
    const path = paths.get(port.name);
    if (path === undefined) throw missing(ports, port);
    files.set(port.name, await readInput(path));
  }
  return files;
}

/**
 * The inputs of a compiled model from what was read.
 * @param notice told in a sentence how a picture was read
 * @param rules what may be done to a picture that does not fit; default: nothing
 * @throws CipherconvError `shape-mismatch` and `out-of-range` for wrong ones.
 */
export function fitInputs(
  plan: PortsOf,
  files: InputFiles,
  notice: (sentence: string) => void,
  rules: PictureRules = AS_IT_IS,
): Map<string, TypedTensor> {
  const layout = layoutOf(plan);
  return new Map(
    plan.inputs.map((port) => {
      const file = files.get(port.name);
      if (file === undefined) throw missing(plan.inputs, port);
      const type = requireCrossing(port.type, port.name);
      const numbers =
        file.kind === 'numbers'
          ? file.numbers
          : pictureNumbers(file.picture, { ...largestOf(port), port, type, layout, rules }, notice);
      return [port.name, fitting(port, type, numbers)];
    }),
  );
}

function largestOf({ largest }: PicturePort): { readonly largest?: number } {
  return largest === undefined ? {} : { largest };
}

/**
 * The inputs of a compiled model from what was read, where a tensor of a model with one input may hold several along its
 * first axis.
 * @throws CipherconvError as `fitInputs`
 */
export function fitStack(
  plan: PortsOf,
  files: InputFiles,
  notice: (sentence: string) => void,
  rules: PictureRules = AS_IT_IS,
): readonly Map<string, TypedTensor>[] {
  const [port, ...others] = plan.inputs;
  const file = port === undefined || others.length > 0 ? undefined : files.get(port.name);
  const count =
    port === undefined || file?.kind !== 'numbers' ? 1 : stackSize(port.shape, file.numbers.shape);
  if (port === undefined || file?.kind !== 'numbers' || count === 1)
    return [fitInputs(plan, files, notice, rules)];
  const { numbers } = file;
  const parts = unstack({ shape: numbers.shape, data: Float64Array.from(numbers.data) }, count);
  return parts.map((part) =>
    fitInputs(plan, new Map([[port.name, { kind: 'numbers', numbers: { ...numbers, ...part } }]]), notice),
  );
}

function assign(ports: readonly Named[], given: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const text of given) {
    const named = ports.find(({ name }) => text.startsWith(`${name}=`));
    const name = named?.name ?? (ports.length === 1 ? ports[0]?.name : undefined);
    if (name === undefined || files.has(name)) {
      throw new CipherconvError({
        code: 'usage',
        where: '--input',
        message: name === undefined ? `which input is ${text}?` : `the input ${name} is given twice`,
        expected: expectedInputs(ports),
      });
    }
    files.set(name, named === undefined ? text : text.slice(name.length + 1));
  }
  return files;
}

function expectedInputs(ports: readonly Named[]): string {
  return ports.map(({ name }) => `--input ${name}=FILE`).join(' ') || 'no input';
}

function missing(ports: readonly Named[], { name }: Named): CipherconvError {
  return new CipherconvError({
    code: 'usage',
    where: '--input',
    message: `the model's input ${JSON.stringify(name)} is missing`,
    expected: expectedInputs(ports),
  });
}

async function readInput(path: string): Promise<InputFile> {
  const kind = path === STANDARD_STREAM ? '.json' : extname(path).toLowerCase();
  return PICTURE_KINDS.includes(kind)
    ? { kind: 'picture', picture: await readPicture(path, kind) }
    : { kind: 'numbers', numbers: await loadNumbers(path, kind) };
}

async function loadNumbers(path: string, kind: string): Promise<Numbers> {
  const file = displayName(path);
  switch (kind) {
    case '.npy': {
      const { shape, data } = decodeNpyNumbers(await readBytes(path), file);
      return { file, shape, data, type: null };
    }
    case '.pb':
      return { file, ...decodeTensorFile(await readBytes(path), file) };
    case '.json':
      return { file, ...parseNumbersJson(await readText(path), file), type: null };
    default:
      throw new CipherconvError({
        code: 'unsupported',
        where: file,
        message: `not supported yet: ${kind === '' ? 'inputs without a file extension' : `${kind} inputs`}`,
        expected: '.npy, .pb, .json, .png or .jpg, or - for JSON on stdin',
      });
  }
}

/** The numbers as the model's input, where they are one. */
function fitting(port: ModelPort, type: CrossingElement, numbers: Numbers): TypedTensor {
  const { file, shape, data } = numbers;
  const wanted = `${type} [${port.shape?.join(', ') ?? 'any shape'}]`;
  // A model of 16-bit floats takes float32, so files of both will do.
  const isHalf = port.type === 'float32' && (numbers.type === 'float16' || numbers.type === 'bfloat16');
  const isOtherType = numbers.type !== null && numbers.type !== port.type && !isHalf;
  const isOtherShape = port.shape !== null && port.shape.join() !== shape.join();
  if (isOtherType || isOtherShape) {
    throw new CipherconvError({
      code: 'shape-mismatch',
      where: file,
      message: `the input has another ${isOtherType ? 'element type' : 'shape'} than the model takes`,
      expected: `${wanted} for ${JSON.stringify(port.name)}`,
      found: `${numbers.type ?? type} [${shape.join(', ')}]`,
    });
  }
  return typedTensor(type, shape, data, file);
}
