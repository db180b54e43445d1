import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ClientPlan } from '../frontend/clientPlan.ts';
import { STANDARD_STREAM } from '../frontend/files.ts';

/** What a command says of keys; which of it is needed depends on the plan's protocol. */
interface KeyFlags {
  readonly secretKey?: string | undefined;
  readonly oneTimeKey?: string | undefined;
}

interface EncryptingKeyFlags extends KeyFlags {
  readonly hint?: string | undefined;
}

/** What encrypts: one key for many inputs, or a hint and a key of one time. */
type EncryptingKey =
  | { readonly kind: 'secret-key'; readonly secretKey: string }
  | { readonly kind: 'one-time'; readonly hint: string; readonly oneTimeKey: string };

/** What decrypts. */
type DecryptingKey =
  | { readonly kind: 'secret-key'; readonly secretKey: string }
  | { readonly kind: 'one-time'; readonly oneTimeKey: string };

/** @throws CipherconvError `usage` for options that are missing, or not of the plan's protocol. */
export function encryptingKey({ hint: planHint }: ClientPlan, flags: EncryptingKeyFlags): EncryptingKey {
  const { secretKey, hint, oneTimeKey } = flags;
  if (planHint === null) {
    if (hint !== undefined) notOfStandard('--hint');
    return { kind: 'secret-key', secretKey: requireSecretKey(flags) };
  }
  if (secretKey !== undefined) notOfHints();
  if (hint === undefined) {
    missing(
      '--hint FILE',
      'compile CONFIG --hint FILE writes it; GET /v1/plans/DIGEST/hint of the server gives it',
    );
  }
  if (oneTimeKey === undefined)
    missing('--one-time-key FILE', 'it is written there, and decrypt takes it away');
  refuseStream(oneTimeKey);
  return { kind: 'one-time', hint, oneTimeKey };
}

/**
 * For a batch, whose one-time keys have no files of their own; without either it is one of uploads.
 * @throws CipherconvError `usage` for an option that is not of the plan's protocol.
 */
export function requireProtocol(
  { hint: planHint }: ClientPlan,
  { secretKey, hint }: EncryptingKeyFlags,
): void {
  if (planHint === null && hint !== undefined) notOfStandard('--hint');
  if (planHint === null || secretKey === undefined) return;
  throw new CipherconvError({
    code: 'usage',
    where: '--secret-key',
    message: 'the plan has a hint: no key of it serves twice',
    expected: '--hint',
    hint: 'leave --secret-key out; with --hint FILE every input gets a key of its own',
  });
}

/** @throws CipherconvError `usage` for options that are missing, or not of the plan's protocol. */
export function decryptingKey({ hint }: ClientPlan, flags: KeyFlags): DecryptingKey {
  if (hint === null) return { kind: 'secret-key', secretKey: requireSecretKey(flags) };
  const { secretKey, oneTimeKey } = flags;
  if (secretKey !== undefined) notOfHints();
  if (oneTimeKey === undefined) missing('--one-time-key FILE', 'give the one that encrypt wrote');
  refuseStream(oneTimeKey);
  return { kind: 'one-time', oneTimeKey };
}

function requireSecretKey({ secretKey, oneTimeKey }: KeyFlags): string {
  if (oneTimeKey !== undefined) notOfStandard('--one-time-key');
  if (secretKey !== undefined) return secretKey;
  throw new CipherconvError({
    code: 'usage',
    message: 'the plan needs a secret key',
    hint: 'add --secret-key FILE; keygen --plan CLIENT --secret-key FILE makes one',
  });
}

function missing(option: string, hint: string): never {
  throw new CipherconvError({
    code: 'usage',
    message: `the plan has a hint, so ${option} is needed`,
    hint,
  });
}

function notOfHints(): never {
  throw new CipherconvError({
    code: 'usage',
    where: '--secret-key',
    message: 'the plan has a hint: no key of it serves twice',
    expected: '--one-time-key',
    hint: 'leave --secret-key out; encrypt with --hint FILE --one-time-key KEY, decrypt with --one-time-key KEY',
  });
}

function notOfStandard(option: string): never {
  throw new CipherconvError({
    code: 'usage',
    where: option,
    message: 'the plan has no hint',
    expected: '--secret-key',
    hint: `leave ${option} out, or compile the plan with --protocol hint`,
  });
}

function refuseStream(path: string): void {
  if (path !== STANDARD_STREAM) return;
  throw new CipherconvError({
    code: 'usage',
    where: '--one-time-key',
    message: 'a one-time key is a file, which decrypt takes away',
    expected: 'a path',
    found: path,
  });
}
