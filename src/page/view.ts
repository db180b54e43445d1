import type { Tensor } from '../../compiler/base/tensor.ts';
import type { Facts, Run } from './messages.ts';
import type { Source } from './picture.ts';
import type { Viewer } from './viewer.ts';
import type { WorkerLink } from './workerLink.ts';

/** NCHW extents of a picture that something takes. */
export interface PictureExtents {
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
}

/** What people see and do of one thing that is open, whatever its kind. */
export interface View {
  readonly facts: Facts;
  /** One sentence, when it is open. */
  readonly ready: string;
  /** Null when it takes something that no picture is. */
  readonly extents: PictureExtents | null;
  showFacts(): void;
  /**
   * Makes a picture the input, and shows what it became.
   * @throws Error in words for people
   */
  take(source: Source): Tensor;
  /** Runs an input, showing how far it is. */
  run(link: WorkerLink, input: Tensor): Promise<Result>;
}

/** What came of one run; it can be shown again. */
export interface Result {
  readonly show: (viewer: Viewer) => void;
  /** The input as it was given, and what came of it; NCHW where it has four axes. */
  readonly run: Run;
  /** Whether a filter config says what should have come out. */
  readonly hasConfig: boolean;
}
