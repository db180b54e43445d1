import { describe, expect, it } from 'vitest';
import type { CipherconvError } from '../../compiler/base/errors.ts';
import { decodeText } from '../../src/frontend/text.ts';
import { encodeNpyFloats } from '../../src/frontend/npy.ts';
import { kindOfBytes } from '../../src/frontend/kindOfBytes.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { importTflite } from '../../src/frontend/tflite/importTflite.ts';
import { floatModel } from '../quantize/floatModel.ts';

const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const TFLITE = latin1('\x1c\0\0\0TFL3\x14\0\x20\0');
const NPY = encodeNpyFloats({ shape: [1], data: Float64Array.of(0.5) });

async function refusal(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  );
}

describe('a file that is something else', () => {
  it('is named by what its bytes are, with what to do', async () => {
    expect(await refusal(importTflite(floatModel()))).toMatchObject({
      code: 'malformed-model',
      details: { found: 'an ONNX model, by its first bytes', hint: 'call it *.onnx' },
    });
    expect(await refusal(importOnnx(TFLITE))).toMatchObject({
      code: 'malformed-model',
      details: { found: 'a TensorFlow Lite model', hint: expect.stringContaining('*.tflite') as string },
    });
    expect(await refusal(importOnnx(latin1('PK\x03\x04\x14\0\0\0')))).toMatchObject({
      details: { found: expect.stringContaining('.keras') as string },
    });
    expect(() => decodeText(NPY, 'x')).toThrow('a .npy file');
  });

  it('is not told to be called what it is called', () => {
    const hintOf = (bytes: Uint8Array, file: string): unknown => {
      try {
        return decodeText(bytes, file);
      } catch (error) {
        return (error as CipherconvError).details.hint;
      }
    };
    for (const [bytes, ending] of [
      [floatModel(), '.onnx'],
      [Uint8Array.of(...TFLITE, 0xff), '.tflite'],
    ] as const) {
      expect(hintOf(bytes, 'model.bin')).toContain(`call it *${ending}`);
      expect(hintOf(bytes, `MODEL${ending.toUpperCase()}`)).toContain('cipherconv compile');
    }
  });

  it('what is not known stays as it was found', async () => {
    expect(kindOfBytes(new Uint8Array())).toBeNull();
    expect(kindOfBytes(Uint8Array.of(8, 0, 0))).toBeNull();
    expect(await refusal(importTflite(latin1('abcdefghijkl')))).toMatchObject({
      details: { found: 'another identifier, at byte 4 of 12' },
    });
    // Cut off, an ONNX model is none of another kind.
    expect(await refusal(importOnnx(floatModel().subarray(0, 500)))).toMatchObject({
      details: { found: expect.stringMatching(/at byte \d+ of 500$/) as string },
    });
  });
});
