import type { Plugin, UserConfig } from 'vite';
import { bundledLicenses } from './bundled-licenses.ts';

/** How pages are bundled: everything in files of their own, with relative addresses. */
export function pageConfig(root: string, outDir: string, plugins: readonly Plugin[] = []): UserConfig {
  const licenses = bundledLicenses('licenses.txt');
  return {
    root,
    // Relative addresses, so that the page also works below a path.
    base: './',
    publicDir: false,
    plugins: [...plugins, licenses.page],
    worker: { format: 'es', plugins: () => [licenses.worker] },
    build: {
      outDir,
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
  };
}
