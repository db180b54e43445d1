import { defineConfig } from 'vite';
import { bundledLicenses } from './tools/bundled-licenses.ts';

const licenses = bundledLicenses('licenses.txt');

/** The page of `cipherconv serve`: src/page with everything it needs, into dist/page. */
export default defineConfig({
  root: 'src/page',
  // Relative addresses, so that the page also works below a path.
  base: './',
  publicDir: false,
  plugins: [licenses.page],
  worker: { format: 'es', plugins: () => [licenses.worker] },
  build: {
    outDir: '../../dist/page',
    emptyOutDir: true,
    target: 'es2022',
    // No data: addresses, which the page's Content-Security-Policy would refuse for scripts and WASM.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      onLog(level, log, report) {
        // Emscripten's glue imports it in Node only; the browser gets an empty module.
        if (!log.message.includes('Module "module" has been externalized')) report(level, log);
      },
    },
  },
});
