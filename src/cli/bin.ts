#!/usr/bin/env node
// Nothing else is imported before this check: an old Node would fail on what comes after with a message that helps
// nobody. So this file keeps to syntax that any Node since 14 can parse.
import { hasExceptionReferences, NODE_VERSIONS } from '../../runtime/exceptionReferences.ts';

if (!hasExceptionReferences()) {
  process.stderr.write(
    `error: cipherconv needs Node ${NODE_VERSIONS} (WebAssembly with exnref), ` +
      `and this is Node ${process.versions.node} (${process.execPath})\n`,
  );
  process.exitCode = 2;
} else {
  // Loading takes a moment in which an interrupt counts already; then main's handler takes over.
  const interrupted = (): never => process.exit(130);
  process.on('SIGINT', interrupted);
  import('./main.ts').then(
    ({ main, endAtInterrupt }) => {
      // In this order: without any listener Node would forget an interrupt that it has not told yet.
      endAtInterrupt();
      process.off('SIGINT', interrupted);
      return main(process.argv.slice(2));
    },
    (error: unknown) => {
      process.stderr.write(`error: cipherconv is not installed right: ${String(error)}\n`);
      process.exitCode = 2;
    },
  );
}
