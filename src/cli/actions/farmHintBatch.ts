import { join } from 'node:path';
import { longWork } from '../../../runtime/longWork.ts';
import { readBytes } from '../../frontend/files.ts';
import { requireOutput } from '../../frontend/outputs.ts';
import type { PictureRules } from '../../frontend/pictureFit.ts';
import { workName } from '../batchJournal.ts';
import { naming, SECRET_MODE } from '../clientFiles.ts';
import { late } from '../interrupt.ts';
import { pictureReader, writeDecrypted } from './farmBatch.ts';
import type { Batch, BatchCommon } from './farmBatch.ts';

/** One-time keys that are made at once. */
const PREPARED = 16;

/** An upload, and what reads its response: together in one file, whole or not there. */
interface Saved {
  readonly work: string;
  readonly oneTimeKey: Uint8Array;
}

/**
 * Pictures and tensors in, integers out, for a plan with a hint: every input has a key of its own, which reads one response.
 * The key is on disk before its upload goes out, beside the results and only for its owner, and stays until its result is
 * written and out of the Redis. What goes on after a crash sends the same bytes: no key ever masks two uploads.
 */
export async function hintPicturesBatch(
  { plan, journal, folder, notice }: BatchCommon,
  { hintPath, count }: { readonly hintPath: string; readonly count: number },
  rules: PictureRules,
): Promise<Batch> {
  const { digest, layout } = plan;
  const { createOneTimeDecryptor, createPlanClient } = await late(import('../../client/client.ts'));
  const { hintPayload } = await late(import('../../client/hintDownload.ts'));
  const message = await readBytes(hintPath);
  const client = await createPlanClient(plan, { hint: naming(hintPath, () => hintPayload(plan, message)) });
  const decryptor = await createOneTimeDecryptor(plan);
  const savedBytes = client.uploadBytes + decryptor.keyBytes;
  const underWay = new Map<string, Saved>();
  const readPicture = pictureReader(plan, rules, notice);
  // Inputs that may still need a key, and keys that are ready.
  const keys = { left: count, ready: 0 };
  /** A new exchange: its upload, then its key. */
  const begin = async (input: string): Promise<Uint8Array> => {
    const tensor = await readPicture(input);
    return longWork(() => {
      if (keys.ready === 0) {
        keys.ready = Math.min(PREPARED, keys.left + 1);
        client.prepare(keys.ready);
      }
      const exchange = client.begin(tensor);
      keys.ready--;
      const both = Buffer.concat([exchange.upload, exchange.exportOneTimeKey()], savedBytes);
      exchange.end();
      return both;
    });
  };
  return {
    digest,
    evaluationKeys: null,
    stepOf: async ({ input, output }) => {
      await requireOutput(join(folder, output));
      keys.left--;
      const work = workName([digest, 'one-time', JSON.stringify(rules), output, await readBytes(input)]);
      let both = await journal.savedUpload(work, savedBytes);
      if (await journal.isDone(output, work)) {
        underWay.set(output, { work, oneTimeKey: new Uint8Array(0) });
        return { kind: 'done', leftover: both?.subarray(0, client.uploadBytes) ?? null };
      }
      if (both === null) {
        both = await begin(input);
        await journal.saveUpload(work, both, SECRET_MODE);
      }
      underWay.set(output, { work, oneTimeKey: both.slice(client.uploadBytes) });
      return { kind: 'evaluate', message: both.slice(0, client.uploadBytes) };
    },
    write: async ({ output }, response) => {
      const { work, oneTimeKey } = underWay.get(output) ?? { work: '', oneTimeKey: new Uint8Array(0) };
      const written = await writeDecrypted(join(folder, output), layout, () =>
        decryptor.decrypt(oneTimeKey, response),
      );
      if (written.kind === 'written') {
        oneTimeKey.fill(0);
        await journal.finish(output, work);
      }
      return written;
    },
    forgotten: async ({ output }) => {
      const work = underWay.get(output)?.work;
      if (work !== undefined) await journal.dropUpload(work);
      underWay.delete(output);
    },
    dispose: () => {
      for (const { oneTimeKey } of underWay.values()) oneTimeKey.fill(0);
      client.dispose();
    },
  };
}
