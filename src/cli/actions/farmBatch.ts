import { join } from 'node:path';
import { CipherconvError, internalError } from '../../../compiler/base/errors.ts';
import type { Tensor } from '../../../compiler/base/tensor.ts';
import { longWork } from '../../../runtime/longWork.ts';
import { responseLengths, uploadLengths } from '../../../runtime/wire/lengths.ts';
import { decodeMessage, messageBytes } from '../../../runtime/wire/message.ts';
import type { ClientPlan } from '../../frontend/clientPlan.ts';
import { readBytes, writeWhole } from '../../frontend/files.ts';
import { requireOutput, writeOutput } from '../../frontend/outputs.ts';
import type { PictureRules } from '../../frontend/pictureFit.ts';
import { inputTensor, loadInput } from '../../frontend/tensors.ts';
import type { BatchFile } from '../batchFiles.ts';
import { workName } from '../batchJournal.ts';
import type { BatchJournal } from '../batchJournal.ts';
import { named, naming } from '../clientFiles.ts';
import { late } from '../interrupt.ts';

/** What becomes of the bytes of a response. */
export type BatchResult =
  | { readonly kind: 'written' }
  /** The response is none that the key opens. Only the owner of the key learns of it. */
  | { readonly kind: 'refused'; readonly text: string };

/** What there is to do for an input. */
export type BatchStep =
  | { readonly kind: 'evaluate'; readonly message: Uint8Array }
  /** Its result is here. `leftover`: the message whose bytes a process may have left in the Redis that died before. */
  | { readonly kind: 'done'; readonly leftover: Uint8Array | null };

/** How the inputs of a batch become messages, and its responses results. */
export interface Batch {
  /** Of the plan. */
  readonly digest: string;
  /** The message with the evaluation keys, null for plans without. */
  readonly evaluationKeys: Uint8Array | null;
  stepOf(file: BatchFile): Promise<BatchStep>;
  write(file: BatchFile, response: Uint8Array): Promise<BatchResult>;
  /** After the bytes of an input whose result is here were taken out of the Redis. */
  forgotten(file: BatchFile): Promise<void>;
  dispose(): void;
}

export interface BatchCommon {
  readonly plan: ClientPlan;
  readonly journal: BatchJournal;
  /** Where results go. */
  readonly folder: string;
  readonly notice: (sentence: string) => void;
}

/** Uploads of `encrypt` in, responses out, for whoever decrypts elsewhere. */
export async function uploadsBatch(
  { plan, journal, folder }: BatchCommon,
  keysPath: string | null,
): Promise<Batch> {
  const { digest, view } = plan;
  const evaluationKeys = keysPath === null ? null : await readBytes(keysPath);
  const works = new Map<string, string>();
  const lengths = uploadLengths(view);
  const responseBytes = messageBytes(responseLengths(view));
  return {
    digest,
    evaluationKeys,
    stepOf: async ({ input, output }) => {
      const message = await readBytes(input);
      naming(input, () => {
        requireUpload(message, plan, lengths);
      });
      const work = workName([digest, evaluationKeys ?? '', message]);
      if (await journal.isDone(output, work, responseBytes)) return { kind: 'done', leftover: message };
      works.set(output, work);
      return { kind: 'evaluate', message };
    },
    write: async ({ output }, response) => {
      if (response.length !== responseBytes)
        throw internalError(`a response of ${response.length} bytes instead of ${responseBytes}`);
      await writeWhole(join(folder, output), response);
      await journal.finish(output, works.get(output) ?? '');
      works.delete(output);
      return { kind: 'written' };
    },
    forgotten: () => Promise.resolve(),
    dispose: () => undefined,
  };
}

/** Reads the inputs of a batch. What is said of the first, such as how its samples were scaled, holds for the others too. */
export function pictureReader(
  { view, layout }: ClientPlan,
  rules: PictureRules,
  notice: (sentence: string) => void,
): (input: string) => Promise<Tensor> {
  let isFirst = true;
  const noticeOnce = (sentence: string): void => {
    if (isFirst) notice(sentence);
  };
  return async (input) => {
    const tensor = inputTensor(await loadInput(input), view.shape, layout, noticeOnce, rules);
    isFirst = false;
    return tensor;
  };
}

/** Decrypts a response into a file. */
export async function writeDecrypted(
  path: string,
  layout: ClientPlan['layout'],
  decrypt: () => Tensor,
): Promise<BatchResult> {
  try {
    await writeOutput(path, longWork(decrypt), layout, () => undefined);
    return { kind: 'written' };
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'unwritable' || error.code === 'internal')
      throw error;
    return { kind: 'refused', text: error.details.message };
  }
}

/** Whoever gives pictures without a key has forgotten an option. */
function requireUpload(message: Uint8Array, { digest, hint }: ClientPlan, lengths: readonly number[]): void {
  try {
    decodeMessage(message, { kind: 'upload', digest, lengths });
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.details.where !== 'magic') throw error;
    const option = hint === null ? '--secret-key FILE' : '--hint FILE';
    const advice = `give uploads of encrypt, or tensors and pictures with ${option}`;
    throw new CipherconvError({ ...error.details, hint: advice }, { cause: error });
  }
}

interface KeyFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Pictures and tensors in, integers out: encrypted and decrypted here. */
export async function picturesBatch(
  { plan, journal, folder, notice }: BatchCommon,
  key: KeyFile,
  rules: PictureRules,
): Promise<Batch> {
  const { digest, layout } = plan;
  const { createPlanClient } = await late(import('../../client/client.ts'));
  const client = await createPlanClient(plan, { secretKey: key.bytes }).catch((error: unknown) => {
    throw named(key.path, error);
  });
  const works = new Map<string, string>();
  const readPicture = pictureReader(plan, rules, notice);
  const savedOrNew = async (work: string, length: number, make: () => Uint8Array): Promise<Uint8Array> => {
    const saved = await journal.savedUpload(work, length);
    if (saved !== null) return saved;
    const bytes = longWork(make);
    await journal.saveUpload(work, bytes);
    return bytes;
  };
  const keysBytes = client.evaluationKeyBytes;
  const evaluationKeys =
    keysBytes === 0
      ? null
      : await savedOrNew(workName(['evaluation keys', digest, key.bytes]), keysBytes, () =>
          client.evaluationKeys(),
        );
  return {
    digest,
    evaluationKeys,
    stepOf: async ({ input, output }) => {
      await requireOutput(join(folder, output));
      const bytes = await readBytes(input);
      // The name is part of it: two inputs with the same content must not have the same ciphertext.
      const work = workName([digest, key.bytes, JSON.stringify(rules), output, bytes]);
      works.set(output, work);
      if (await journal.isDone(output, work))
        return { kind: 'done', leftover: await journal.savedUpload(work, client.uploadBytes) };
      const tensor = await readPicture(input);
      const message = await savedOrNew(work, client.uploadBytes, () => client.encrypt(tensor));
      return { kind: 'evaluate', message };
    },
    write: async ({ output }, response) => {
      const work = works.get(output) ?? '';
      const written = await writeDecrypted(join(folder, output), layout, () => client.decrypt(response));
      if (written.kind === 'written') await journal.finish(output, work);
      return written;
    },
    forgotten: async ({ output }) => {
      const work = works.get(output);
      if (work !== undefined) await journal.dropUpload(work);
      works.delete(output);
    },
    dispose: () => {
      client.dispose();
    },
  };
}
