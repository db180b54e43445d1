import type { Fetch } from '../client/index.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import type { Compared, Facts, NamedFile, Outcome, RoundState, Run, Step } from './messages.ts';

/** What is open in the worker, whatever its kind: its keys stay there. */
export interface Session {
  readonly facts: Facts;
  infer(input: Tensor, signal: AbortSignal): Promise<Outcome>;
  /** Null for kinds that are not compared. */
  readonly compare: ((run: Run, files: readonly NamedFile[]) => Compared) | null;
  dispose(): void;
}

/** Where a session is, and whom it tells how far it is. */
export interface Surroundings {
  readonly server: string;
  /** How requests reach the server. */
  readonly fetch: Fetch;
  readonly onStep: (step: Step) => void;
  readonly onRound: (state: RoundState) => void;
}

/** Opens what is served under a digest. */
export type Opener = (digest: string, signal: AbortSignal, surroundings: Surroundings) => Promise<Session>;
