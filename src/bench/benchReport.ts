import { availableParallelism, cpus } from 'node:os';
import type { Kernel, PlanBytes, PlanCounts } from '../../compiler/lowering/plan.ts';

/** Milliseconds, medians over the rounds, one thread. */
interface LayerTimes {
  readonly compile: number;
  readonly prepare: number;
  readonly encrypt: number;
  /** Packing the upload and unpacking it again. */
  readonly encodeUpload: number;
  /** The server's work without coding, each kernel on the plan that is best for it; auto: the cheaper by the cost model. */
  readonly evaluate: {
    /** SEAL as the ntt kernel, as `--engine seal` has it. */
    readonly ntt: number;
    /** The ntt kernel in our own ring arithmetic. */
    readonly nttOwn: number;
    readonly direct: number;
    readonly auto: number;
    /** With a hint: c0 alone, at the outputs. */
    readonly hint: number;
  };
  /** With a hint and keys prepared: from the input to the output, coding included. */
  readonly online: number;
  /** With a hint: masks and hint products of one inference, before its input is there. */
  readonly offline: number;
  /** Computing the hint, once a plan. */
  readonly hint: number;
  /** The raw node-seal operations that SEAL as the ntt kernel needs, timed in the same run. */
  readonly floorNtt: number;
  readonly encodeDownload: number;
  readonly decrypt: number;
  /** Everything of one inference with a hint: online and offline. */
  readonly total: number;
  /** Standard protocol: encrypt, coding, evaluate (auto) and decrypt. */
  readonly totalStandard: number;
  /** Standard protocol with SEAL's client and the better of both kernels, coding included. */
  readonly totalSeal: number;
  /** Encrypting and decrypting in the standard protocol, coding included: SEAL's arithmetic, and ours. */
  readonly client: { readonly seal: ClientTimes; readonly ring: ClientTimes };
  /** onnxruntime-web on the cleartext, the faster of float and integer; null where it is not installed. */
  readonly plaintext: number | null;
}

/** Milliseconds of one input and one output. */
export interface ClientTimes {
  readonly encrypt: number;
  readonly decrypt: number;
}

/** What travels with a hint: `hint` once, the others for every inference. */
export interface HintBytes {
  readonly upload: number;
  readonly response: number;
  readonly hint: number;
}

export interface LayerResult {
  readonly id: string;
  readonly match: boolean;
  /** Elements of the result. */
  readonly outputs: number;
  readonly params: {
    readonly degree: number;
    readonly coeffModulusBits: readonly number[];
    readonly plainModulus: number;
  };
  readonly kernel: Kernel;
  readonly counts: PlanCounts;
  /** Of the hint protocol. */
  readonly bytes: HintBytes;
  /** Of the standard protocol. */
  readonly bytesStandard: PlanBytes;
  readonly ms: LayerTimes;
  readonly ratios: Readonly<
    Record<
      | 'nttOverFloor'
      | 'nttOwnOverFloor'
      | 'nttOverDirect'
      | 'autoOverPlaintext'
      | 'totalOverAuto'
      | 'hintOverPlaintext'
      | 'onlineOverPlaintext'
      | 'bestOverHint'
      | 'totalSealOverTotal',
      number | null
    >
  >;
}

export interface WorkerTime {
  readonly id: string;
  readonly workers: number;
  /** Median of one evaluation with a hint, coding included. */
  readonly ms: number;
  /**
   * The fastest one, milliseconds: what the program can do. Where a virtual processor shares its core with a neighbour now and
   * then, which no counter shows, medians of several threads say more about the neighbour.
   */
  readonly fastest: number;
}

export interface BenchReport {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly node: string;
    readonly platform: string;
    /** Share of the processors' time that a hypervisor gave to others meanwhile, 0 to 1; null where the system does not tell. */
    readonly stolen: number | null;
  };
  readonly layers: readonly LayerResult[];
  readonly workers: readonly WorkerTime[];
  readonly peakRssMiB: number;
}

export function describeMachine(): Omit<BenchReport['machine'], 'stolen'> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
  };
}

/** Largest resident memory of this process so far. */
export function peakRssMiB(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}
