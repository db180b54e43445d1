import { CipherconvError } from '../../compiler/base/errors.ts';
import { messageForm } from '../../runtime/wire/lengths.ts';
import { MessageCheck } from '../../runtime/wire/messageCheck.ts';
import { loadPacking } from '../../runtime/wire/packer.ts';
import { mutate } from './mutate.ts';
import { isWellFormed } from './oracle.ts';
import { Random } from './random.ts';
import type { Subject, Subjects } from './subjects.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

export interface DecoderReport {
  readonly tried: number;
  /** Well-formed by the oracle, and let through. */
  readonly accepted: number;
  readonly refused: number;
}

/** What a refusal may look like; anything else thrown is a hole. */
const REFUSALS: readonly string[] = ['malformed-message', 'malformed-tensor', 'wrong-plan'];

/** One in so many cases is about evaluation keys, which are long. */
const KEYS_EVERY = 100;

/**
 * Mutants at the wire decoder: it lets through exactly what the oracle calls well-formed, and refuses the rest with an
 * error of ours. No SEAL anywhere near.
 * @throws Error for the first case that goes otherwise; it names the case.
 */
export async function fuzzDecoder(subjects: Subjects, count: number, seed: number): Promise<DecoderReport> {
  const packing = await loadPacking();
  const { small, several, whole, digits, hint, rotating } = subjects;
  const kinds = [small, several, whole, digits, hint, rotating].map((subject) => ({
    subject,
    check: new MessageCheck(packing, messageForm(clientView(subject.stored.plan)), subject.stored.digest),
  }));
  const foreign = kinds.flatMap(({ subject }) => subject.uploads);
  const report = { tried: 0, accepted: 0, refused: 0 };
  for (let index = 0; index < count; index++) {
    const random = new Random(seed, index);
    // The plan with rotations is ten times as long as the others.
    const { subject, check } = kinds[random.below(20) === 0 ? 5 : random.below(5)]!;
    const ofKeys = subject === subjects.rotating && random.below(KEYS_EVERY / 20) === 0;
    const { how, bytes } = mutate(corpusOf(subject, ofKeys, foreign, random), random);
    const format = ofKeys ? subject.keysFormat : subject.uploadFormat;
    const accepted = tryCase(`case ${index} (${how})`, () => {
      if (ofKeys) check.keys(bytes);
      else check.upload(bytes);
    });
    if (accepted !== isWellFormed(bytes, format)) {
      throw new Error(`case ${index} (${how}): ${accepted ? 'let through' : 'refused'} wrongly`);
    }
    report.tried++;
    report[accepted ? 'accepted' : 'refused']++;
  }
  return report;
}

function corpusOf(
  subject: Subject,
  ofKeys: boolean,
  foreign: readonly Uint8Array[],
  random: Random,
): readonly Uint8Array[] {
  if (ofKeys) return [subject.keys];
  return random.below(10) === 0 ? foreign : subject.uploads;
}

function tryCase(name: string, decode: () => void): boolean {
  try {
    decode();
    return true;
  } catch (error) {
    if (error instanceof CipherconvError && REFUSALS.includes(error.code)) return false;
    throw new Error(`${name}: ${String(error)}`, { cause: error });
  }
}
