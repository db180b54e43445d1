import type { ModelPort } from '../model/modelFlow.ts';
import type { TensorLayout } from '../client/index.ts';
import type { ConvShape, OutputShape } from '../../compiler/convolution/shape.ts';
import type { Interval } from '../../compiler/base/interval.ts';
import type { NetworkPort, PicturePort } from '../network/port.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';

/** What the page and its worker say to each other. The secret key and SEAL stay in the worker. */

/** A filter, a network of one round, or a whole model. */
export type ServedKind = 'plan' | 'network' | 'model';

/** One of what the server has. */
export interface ServedEntry {
  readonly kind: ServedKind;
  readonly digest: string;
  readonly name: string;
}

/** What people are told of a plan, and what a picture has to become for it. */
export interface PlanFacts {
  readonly kind: 'plan';
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

/** What people are told of a model, and what a picture has to become for it. */
export interface ModelFacts {
  readonly kind: 'model';
  readonly digest: string;
  readonly name: string;
  readonly inputs: readonly ModelPort[];
  readonly outputs: readonly ModelPort[];
  readonly layout: TensorLayout;
  /** Names of the layers of each round. */
  readonly rounds: readonly (readonly string[])[];
  /** Linear nodes that the browser computes in the clear. */
  readonly clear: readonly string[];
  /** Multiply-accumulates under encryption, and all of them. */
  readonly macs: { readonly encrypted: number; readonly total: number };
  /** Fetching and checking the model, loading SEAL, drawing a key for each layer. */
  readonly openMs: number;
}

/** What people are told of a network of one round, and what a picture has to become for it. */
export interface NetworkFacts extends Pick<ModelFacts, 'digest' | 'name' | 'outputs' | 'layout'> {
  readonly kind: 'network';
  readonly inputs: readonly [PicturePort];
  /** The only input. */
  readonly port: NetworkPort;
  /** Of the integers that are encrypted. */
  readonly range: Interval;
  readonly degree: number;
  readonly plainModuli: readonly number[];
  /** Of every prime, the special one last. */
  readonly modulusBits: readonly number[];
  readonly securityBits: number;
  readonly uploadBytes: number;
  readonly responseBytes: number;
  readonly evaluationKeyBytes: number;
  /** Fetching and checking the plan, loading SEAL, drawing a secret key. */
  readonly openMs: number;
}

export type Facts = PlanFacts | NetworkFacts | ModelFacts;

/** How far a round of a model is. */
export interface RoundState {
  readonly round: number;
  readonly sent: number;
  readonly received: number;
  readonly ms: number;
  /** What the server says that its layers took, one after the other. */
  readonly serverMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

type StepName = 'encrypt' | 'send keys' | 'send and evaluate' | 'measure noise' | 'decrypt';

/** One finished step. */
export interface Step {
  readonly name: StepName;
  readonly ms: number;
  /** Bytes that travelled to the server and back; none for steps inside the browser. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** What the server says of its own share of `ms`; null for steps without it. */
  readonly serverMs: number | null;
}

/** The beginning of a message, and how long it is. */
export interface Excerpt {
  readonly length: number;
  readonly bytes: Uint8Array;
  /** Where the header ends and the ciphertext begins. */
  readonly headerBytes: number;
}

export interface Inferred {
  readonly kind: 'plan';
  /** NCHW. */
  readonly output: Tensor;
  readonly upload: Excerpt;
  readonly response: Excerpt;
  /** Noise budget left, bits; null where nothing came back encrypted. */
  readonly budgetBits: number | null;
}

/** One inference of a model. */
export interface ModelInferred {
  readonly kind: 'model';
  readonly name: string;
  /** Four axes as NCHW; fewer as the model has them. */
  readonly output: Tensor;
  /** The layer whose messages these are: the first. */
  readonly layer: string;
  readonly upload: Excerpt;
  readonly response: Excerpt;
  /** The smallest noise budget that any layer has left, bits; null where nothing came back encrypted. */
  readonly budgetBits: number | null;
  readonly ms: number;
}

/** One inference of a network of one round. */
export interface NetworkInferred {
  readonly kind: 'network';
  /** The scores, [1, ...]. */
  readonly output: Tensor;
  /** The exact integers. */
  readonly logits: readonly string[];
  readonly upload: Excerpt;
  readonly response: Excerpt;
}

/** What one inference gave, whatever was open. */
export type Outcome = Inferred | NetworkInferred | ModelInferred;

/** An input and what came of it, NCHW. */
export interface Run {
  readonly input: Tensor;
  readonly output: Tensor;
}

export interface Compared {
  /** What the convolution in the clear gives, NCHW. */
  readonly expected: Tensor;
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
  readonly list: { readonly question: { readonly server: string }; readonly answer: readonly ServedEntry[] };
  /** Fetches a plan or model from the server and makes keys for it. What was open before is gone, its keys too. */
  readonly open: {
    readonly question: { readonly server: string; readonly digest: string; readonly served: ServedKind };
    readonly answer: Facts;
  };
  /** Runs an input through what is open: encrypted here, evaluated by the server, decrypted here. */
  readonly infer: { readonly question: { readonly input: Tensor }; readonly answer: Outcome };
  /** Compares an output of the plan that is open with the convolution in the clear. */
  readonly compare: {
    /** `files`: a config and the .npy files that it names. */
    readonly question: { readonly run: Run; readonly files: readonly NamedFile[] };
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
  | { readonly kind: 'round'; readonly state: RoundState }
  | { readonly kind: 'refusal'; readonly id: number; readonly refusal: Refusal };

/** What people can do about a failure; the page says it. */
export type Trouble = 'lost-server' | 'not-served' | 'other';

/** An error as data, since classes do not survive the way between threads. */
export type Refusal =
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly trouble: Trouble; readonly text: string };
