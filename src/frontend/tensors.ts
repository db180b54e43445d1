import { extname } from 'node:path';
import { z } from 'zod';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ConvShape } from '../../compiler/convolution/shape.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { longWork } from '../../runtime/longWork.ts';
import { displayName, readBytes, STANDARD_STREAM } from './files.ts';
import { decodeText } from './text.ts';
import { canonicalShape, outsideShape, toCanonical } from './layouts.ts';
import { decodeTensorFile } from './onnx/proto/tensorProto.ts';
import { flattenNested, pathOfElement } from './nested.ts';
import { decodeNpy } from './npy.ts';
import { readPicture } from './pictureFile.ts';
import { AS_IT_IS, fitPicture } from './pictureFit.ts';
import type { PictureRules } from './pictureFit.ts';
import { pictureTensor } from './pictureTensor.ts';
import type { Picture } from './pictureTensor.ts';
import { formatPath, locate, LocatedError, parseJson } from './positions.ts';
import type { TensorLayout } from './schema.ts';
import { schemaError } from './schemaIssues.ts';

/** What an input file holds, before it meets a convolution: so that a picture's size can be asked for first. */
export type InputSource =
  | {
      /** A tensor of integers. */
      readonly kind: 'tensor';
      /** Name of the file, for messages. */
      readonly file: string;
      /** Shape and elements as the file has them, in the config's layout. */
      readonly shape: readonly number[];
      /** Elements in C order, safe integers. */
      readonly data: Float64Array;
      /** An error that points at one element. */
      readonly elementError: (index: number, details: ElementFault) => CipherconvError;
    }
  | {
      /** A picture, to be quantized. */
      readonly kind: 'picture';
      /** Its samples. */
      readonly picture: Picture;
    };

/** What is wrong with one element of an input. */
export interface ElementFault {
  /** One clause that says what is wrong. */
  readonly message: string;
  /** What would have been accepted. */
  readonly expected: string;
  /** What came instead. */
  readonly found: string;
}

/**
 * Reads an input: .npy, .json, .pb (an ONNX TensorProto), .png, .jpg, or `-` for a JSON tensor on stdin.
 * @throws CipherconvError `unreadable`, `malformed-json`, `malformed-tensor`, `malformed-picture` or `unsupported`.
 */
export async function loadInput(path: string): Promise<InputSource> {
  const kind = path === STANDARD_STREAM ? '.json' : extname(path).toLowerCase();
  const file = displayName(path);
  switch (kind) {
    case '.npy': {
      const bytes = await readBytes(path);
      return longWork(() => npySource(decodeNpy(bytes, file), file));
    }
    case '.json': {
      const bytes = await readBytes(path);
      return longWork(() => parseTensorJson(decodeText(bytes, file), file));
    }
    case '.pb':
      return tensorFileSource(await readBytes(path), file);
    case '.png':
    case '.jpg':
    case '.jpeg':
      return { kind: 'picture', picture: await readPicture(path, kind) };
    default:
      throw new CipherconvError({
        code: 'unsupported',
        where: file,
        message: `not supported yet: ${kind === '' ? 'inputs without a file extension' : `${kind} inputs`}`,
        expected: '.npy, .json, .pb, .png or .jpg, or - for JSON on stdin',
      });
  }
}

/** A TensorProto file, whose values must be whole: a convolution has integers as inputs. */
function tensorFileSource(bytes: Uint8Array, file: string): InputSource {
  const { shape, data } = decodeTensorFile(bytes, file);
  const wrong = data.findIndex((value: number) => !Number.isSafeInteger(value));
  if (wrong < 0) return npySource({ shape, data: Float64Array.from(data) }, file);
  throw new CipherconvError({
    code: 'malformed-tensor',
    where: `${file}: element [${pathOfElement('nested', shape, wrong).join(', ')}]`,
    message: 'not an integer',
    expected: 'integers below 2^53 in magnitude',
    found: String(data[wrong]),
  });
}

function npySource(tensor: Tensor, file: string): InputSource {
  const elementError = (index: number, fault: ElementFault): CipherconvError =>
    new CipherconvError({
      code: 'out-of-range',
      where: `${file}: element [${pathOfElement('nested', tensor.shape, index).join(', ')}]`,
      ...fault,
    });
  return { kind: 'tensor', file, shape: tensor.shape, data: tensor.data, elementError };
}

const tensorSchema = z.strictObject({
  shape: z.array(z.int().min(0)),
  data: z.array(z.unknown()),
});

/**
 * Reads a JSON tensor `{ "shape": [...], "data": [...] }`, data nested or flat.
 * @throws LocatedError `malformed-json` or `malformed-tensor`.
 */
export function parseTensorJson(text: string, file: string): InputSource {
  const value = parseJson(text, file);
  const result = tensorSchema.safeParse(value);
  if (!result.success) {
    const describeUnion = (): string => 'integers';
    const kind = {
      code: 'malformed-tensor',
      title: 'a tensor',
      schema: tensorSchema,
      describeUnion,
    } as const;
    throw schemaError(kind, result.error.issues, value, text, file);
  }
  const { shape, data } = result.data;
  const flattened = flattenNested(data, shape, 'value');
  if (!flattened.ok) {
    const { path, message, expected, found } = flattened.fault;
    const full = ['data', ...path];
    throw new LocatedError(file, locate(text, full), {
      code: 'malformed-tensor',
      where: formatPath(full),
      message,
      expected,
      found,
    });
  }
  const elementError = (index: number, fault: ElementFault): CipherconvError => {
    const path = ['data', ...pathOfElement(flattened.nesting, shape, index)];
    return new LocatedError(file, locate(text, path), {
      code: 'out-of-range',
      where: formatPath(path),
      ...fault,
    });
  };
  return { kind: 'tensor', file, shape, data: flattened.values, elementError };
}

/**
 * The input tensor (NCHW, raw values) of a convolution, from a file in the config's layout.
 * @param notice told in a sentence how a picture was changed and quantized
 * @param rules what may be done to a picture that does not fit; default: nothing
 * @throws CipherconvError `shape-mismatch`, or `out-of-range` for a value that the declared input cannot have.
 */
export function inputTensor(
  source: InputSource,
  spec: ConvShape,
  layout: TensorLayout,
  notice: (sentence: string) => void,
  rules: PictureRules = AS_IT_IS,
): Tensor {
  if (source.kind === 'picture')
    return pictureTensor(fitPicture(source.picture, spec.input, rules, notice), spec, notice);
  const { batch, channels, height, width, range, bits, signed } = spec.input;
  const expected = outsideShape([batch, channels, height, width], layout);
  if (source.shape.join() !== expected.join()) {
    throw new CipherconvError({
      code: 'shape-mismatch',
      where: source.file,
      message: 'the input has another shape than the convolution takes',
      expected: `[${expected.join(', ')}] (${layout})`,
      found: `[${source.shape.join(', ')}]`,
    });
  }
  const wrong = source.data.findIndex((value) => value < range.lo || value > range.hi);
  if (wrong >= 0) {
    throw source.elementError(wrong, {
      message: 'input outside its declared range',
      expected: `an integer from ${range.lo} to ${range.hi} (${bits}-bit ${signed ? 'signed' : 'unsigned'} inputs)`,
      found: String(source.data[wrong]),
    });
  }
  return { shape: canonicalShape(expected, layout), data: toCanonical(source.data, expected, layout) };
}
