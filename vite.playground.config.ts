import { defineConfig } from 'vite';
import { pageConfig } from './tools/page-config.ts';
import { playgroundHtml } from './tools/playground-html.ts';

/** The playground: src/playground with everything it needs, into dist/playground, for any file server. */
export default defineConfig(pageConfig('src/playground', '../../dist/playground', [playgroundHtml()]));
