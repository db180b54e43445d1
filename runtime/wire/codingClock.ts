/** Time spent packing and unpacking ciphertexts, milliseconds since the start: what a benchmark tells apart. */
export interface CodingTimes {
  /** Milliseconds spent unpacking uploads. */
  readonly upload: number;
  /** Milliseconds spent packing responses. */
  readonly response: number;
}

export class CodingClock implements CodingTimes {
  upload = 0;
  response = 0;

  /** Runs `action` and adds its time to one side. */
  time<T>(side: keyof CodingTimes, action: () => T): T {
    const start = performance.now();
    try {
      return action();
    } finally {
      this[side] += performance.now() - start;
    }
  }
}
