import { defineConfig } from 'vite';
import { bundledLicenses } from './tools/bundled-licenses.ts';
import { selfContainedSeal } from './tools/self-contained-seal.ts';

/** `cipherconv/client` for browsers: one file with everything in it, into dist/browser, for bundlers without settings. */
export default defineConfig({
  publicDir: false,
  plugins: [selfContainedSeal(), bundledLicenses('licenses.txt').page],
  build: {
    outDir: 'dist/browser',
    emptyOutDir: true,
    target: 'es2022',
    lib: { entry: 'src/client/index.ts', formats: ['es'], fileName: 'client' },
    minify: true,
  },
});
