/** What commands do with one input after the other: keys, weights and connections are made once and kept. */

/** Something that makes outputs of inputs. */
export interface Session<Input, Output> {
  /** The inputs that these files hold: one file, or `name=file` for each input of a model that has several. */
  readonly load: (files: readonly string[]) => Promise<readonly Input[]>;
  /** One inference. Several may be under way at a time where `atOnce` is more than 1. */
  readonly infer: (input: Input) => Promise<Output>;
  /** Inferences under way at the same time. */
  readonly atOnce: number;
  /** Writes the output of one input, or of a stack. */
  readonly write: (path: string, outputs: readonly Output[]) => Promise<void>;
}
