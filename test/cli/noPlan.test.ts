/** Commands that want a plan and get something else. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadClientPlan, loadServerPlan, readPlanText } from '../../src/cli/clientFiles.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { encodeClientModel } from '../../src/model/clientModelFile.ts';
import { clientModelOf } from '../../src/model/clientModelOf.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { residualModel } from '../model/models.ts';
import { temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const READERS = [loadClientPlan, loadServerPlan, readPlanText];

beforeAll(async () => {
  await writeFile(at('cls.onnx'), residualModel());
  await writeFile(at('cls.bin'), residualModel());
  await writeFile(at('cls.tflite'), Buffer.from('\x1c\0\0\0TFL3\x14\0\x20\0', 'latin1'));
  await writeFile(at('x.png'), Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));
  await writeFile(
    at('model.client'),
    encodeClientModel(clientModelOf(compileModel(await importOnnx(residualModel())))),
  );
});

describe('what is no plan', () => {
  it.each([
    ['cls.onnx', 'an ONNX model'],
    ['cls.bin', 'an ONNX model'],
    ['cls.tflite', 'a TensorFlow Lite model'],
    ['x.png', 'a PNG picture'],
  ])('%s is named, with how plans are made', async (name, found) => {
    for (const read of READERS)
      await expect(read(at(name))).rejects.toMatchObject({
        code: 'usage',
        details: {
          message: 'not a plan',
          expected: 'a plan',
          found: expect.stringContaining(found) as string,
          hint: expect.stringMatching(/^cipherconv compile .* makes plans$/) as string,
        },
      });
  });

  it('the client plan of a model goes to infer', async () => {
    for (const read of [loadClientPlan, loadServerPlan])
      await expect(read(at('model.client'))).rejects.toMatchObject({
        code: 'unsupported',
        details: {
          message: 'not supported yet: a model in single steps through files',
          hint: expect.stringContaining('infer --plan CLIENT') as string,
        },
      });
    expect(await readPlanText(at('model.client'))).toContain('cipherconv-');
  });
});
