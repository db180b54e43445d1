/** What a file is that is not what was asked for, told by its first bytes. */

/** A kind of file, and how it is taken. */
export interface KindOfBytes {
  /** With its article. */
  readonly what: string;
  readonly hint: string;
  /** What such files are called. */
  readonly ending?: string;
}

interface Signature extends KindOfBytes {
  readonly at: number;
  /** Latin-1. */
  readonly text: string;
}

const SIGNATURES: readonly Signature[] = [
  {
    at: 4,
    text: 'TFL3',
    what: 'a TensorFlow Lite model',
    ending: '.tflite',
    hint: 'lint, compile, explain, run and init take it; call it *.tflite',
  },
  {
    at: 0,
    text: '\x93NUMPY',
    what: 'a .npy file',
    hint: 'it holds an array: it is for inputs, weights and samples',
  },
  {
    at: 0,
    text: 'PK\x03\x04',
    what: 'a ZIP archive, as .pt, .keras and .npz files are',
    hint: 'export a model to ONNX or TensorFlow Lite; save arrays one by one, with numpy.save',
  },
  {
    at: 0,
    text: '\x89HDF\r\n\x1a\n',
    what: 'an HDF5 file, as Keras saves models',
    hint: 'convert it: tf.lite.TFLiteConverter, with integers',
  },
  { at: 0, text: '\x89PNG\r\n\x1a\n', what: 'a PNG picture', hint: 'it is for inputs, with the ending .png' },
  { at: 0, text: '\xff\xd8\xff', what: 'a JPEG picture', hint: 'it is for inputs, with the ending .jpg' },
  { at: 0, text: '\x1f\x8b', what: 'a gzip file', hint: 'unpack it first' },
  {
    at: 0,
    text: '{',
    what: 'JSON, as configs and plans are',
    hint: 'cipherconv explain FILE says what it holds',
  },
];

/** null for what is not known. */
export function kindOfBytes(bytes: Uint8Array): KindOfBytes | null {
  const found = SIGNATURES.find(({ at, text }) =>
    Array.from(text).every((character, index) => bytes[at + index] === character.charCodeAt(0)),
  );
  return found ?? (looksLikeOnnx(bytes) ? ONNX : null);
}

/** What an ONNX model is called. */
export const ONNX: KindOfBytes = {
  what: 'an ONNX model, by its first bytes',
  hint: 'call it *.onnx',
  ending: '.onnx',
};

/** What to do where a text is wanted: a file that is called what it is need not be renamed. */
export function hintForText({ hint, ending }: KindOfBytes, file: string): string {
  return ending !== undefined && file.toLowerCase().endsWith(ending) ? MAKES_PLANS : hint;
}

/** How plans come about. */
export const MAKES_PLANS = 'cipherconv compile CONFIG|MODEL -o PLAN --client-plan CLIENT makes plans';

/** The first field, ir_version: a small number; then a field of text, or the operator sets or graph. */
function looksLikeOnnx(bytes: Uint8Array): boolean {
  const [tag = 0, version = 0, next = 0] = bytes;
  return tag === 0x08 && version > 0 && version < 32 && [0x12, 0x1a, 0x22, 0x32, 0x3a, 0x42].includes(next);
}
