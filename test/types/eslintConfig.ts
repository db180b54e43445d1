import json from '@eslint/json';
import { defineConfig } from 'eslint/config';
import cipherconv from '../../src/eslint/index.ts';

/** An eslint.config.ts as a user writes it: it has to compile, under every strict option of this project. */
export const recommended = defineConfig([
  { plugins: { json } },
  cipherconv.configs.recommended,
  { ...cipherconv.configs.all, files: ['filters/*.json'] },
]);

export const extended = defineConfig({
  files: ['**/*.conv.json'],
  plugins: { json, cipherconv },
  language: 'json/json',
  extends: ['cipherconv/recommended'],
  rules: { 'cipherconv/low-headroom': ['warn', { bits: 2 }] },
});
