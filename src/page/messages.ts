import type { TensorLayout } from '../client/index.ts';
import type { ConvShape, OutputShape } from '../../compiler/convolution/shape.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';

/** What the page and its worker say to each other. The secret key and SEAL stay in the worker. */

export interface ServedPlans {
  readonly plans: readonly { readonly digest: string; readonly name: string }[];
}

/** What people are told of a plan, and what a picture has to become for it. */
export interface PlanFacts {
  readonly digest: string;
  readonly shape: ConvShape;
  readonly output: OutputShape;
  readonly layout: TensorLayout;
  readonly lowering: 'toeplitz' | 'diagonals';
  readonly degree: number;
  readonly plainModulus: number;
  /** Of every prime, the special one last. */
  readonly modulusBits: readonly number[];
  readonly securityBits: number;
  readonly uploadBytes: number;
  readonly responseBytes: number;
  readonly evaluationKeyBytes: number;
  /** Fetching and checking the plan, loading SEAL, drawing a secret key. */
  readonly openMs: number;
}

type StepName = 'encrypt' | 'send keys' | 'send and evaluate' | 'decrypt';

/** One finished step. */
export interface Step {
  readonly name: StepName;
  readonly ms: number;
  /** Bytes that travelled to the server and back; none for steps inside the browser. */
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** The beginning of a message, and how long it is. */
export interface Excerpt {
  readonly length: number;
  readonly bytes: Uint8Array;
  /** Where the header ends and the ciphertext begins. */
  readonly headerBytes: number;
}

export interface Inferred {
  /** NCHW. */
  readonly output: Tensor;
  readonly upload: Excerpt;
  readonly response: Excerpt;
}

export interface Compared {
  readonly outputs: number;
  readonly mismatches: number;
  /** The first difference, null when there is none; `index` counts in NCHW order. */
  readonly first: { readonly index: number; readonly expected: number; readonly actual: number } | null;
  readonly ms: number;
}

export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What can be asked of the worker, and what it answers. */
export interface Exchanges {
  readonly list: { readonly question: { readonly server: string }; readonly answer: ServedPlans };
  /** Fetches a plan from the server and makes a key for it. The plan that was open before is gone, its key too. */
  readonly open: {
    readonly question: { readonly server: string; readonly digest: string };
    readonly answer: PlanFacts;
  };
  /** Encrypts an input (NCHW), has the server evaluate, decrypts. */
  readonly infer: { readonly question: { readonly input: Tensor }; readonly answer: Inferred };
  /** Compares the last output with the convolution in the clear. `files`: a config and the .npy files it names. */
  readonly compare: {
    readonly question: { readonly files: readonly NamedFile[] };
    readonly answer: Compared;
  };
}

export type ExchangeName = keyof Exchanges;

export type Answer = Exchanges[ExchangeName]['answer'];

export type Question = {
  [Name in ExchangeName]: { readonly kind: Name; readonly id: number } & Exchanges[Name]['question'];
}[ExchangeName];

export type ToWorker = Question | { readonly kind: 'cancel' };

export type FromWorker =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'refusal'; readonly id: number; readonly refusal: Refusal };

/** An error as data, since classes do not survive the way between threads. */
export type Refusal = { readonly kind: 'cancelled' } | { readonly kind: 'failed'; readonly text: string };
