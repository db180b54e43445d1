/// <reference lib="esnext.disposable" preserve="true" />

/** What holds keys or WASM memory until it is disposed of: by `dispose()`, or at the end of a block with `using`. */
export interface DisposableHandle extends Disposable {
  /** Deletes everything held. A second call does nothing; any other use afterwards throws `usage`. */
  dispose(): void;
}

/** What holds threads or sessions until it is disposed of: by `dispose()`, or with `await using`. */
export interface AsyncDisposableHandle extends AsyncDisposable {
  /** Ends everything held. A second call does nothing; any other use afterwards throws `usage`. */
  dispose(): Promise<void>;
}
