import { defineConfig } from 'vite';
import { pageConfig } from './tools/page-config.ts';

/** The page of `cipherconv serve`: src/page with everything it needs, into dist/page. */
export default defineConfig(pageConfig('src/page', '../../dist/page'));
