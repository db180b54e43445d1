import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { build } from 'vite';

const root = join(import.meta.dirname, '..', '..');

/**
 * What somebody who takes `cipherconv/client` writes: a program that parses a client plan, encrypts a picture and
 * decrypts what `evaluate` answers.
 */
const PROGRAM = `
import { createPlanClient, parseClientPlan } from 'cipherconv/client';
globalThis.infer = async (plan, shape, values, evaluate) => {
  const client = await createPlanClient(parseClientPlan(plan, 'plan'));
  const response = await evaluate(client.encrypt({ shape, data: Float64Array.from(values) }));
  const output = [...client.decrypt(response).data];
  client.dispose();
  return output;
};
`;

/** Lays the package's manifest and its bundle for browsers into `folder`/node_modules, as npm would. */
export async function installBrowserBundle(folder: string): Promise<string> {
  const installed = join(folder, 'node_modules', 'cipherconv');
  mkdirSync(installed, { recursive: true });
  cpSync(join(root, 'package.json'), join(installed, 'package.json'));
  const outDir = join(installed, 'dist', 'browser');
  await build({
    root,
    configFile: join(root, 'vite.client.config.ts'),
    logLevel: 'error',
    build: { outDir, emptyOutDir: true },
  });
  return outDir;
}

/** Bundles the program as vite does, into one file. */
export async function bundleWithVite(folder: string): Promise<string> {
  const entry = join(folder, 'program.js');
  writeFileSync(entry, PROGRAM);
  const result = await build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    // What is loaded late (SEAL, the reader of models) stands in the same file, so that one text is all of it.
    build: { write: false, rolldownOptions: { input: entry, output: { codeSplitting: false } } },
  });
  const [{ output } = { output: [] }] = [result].flat() as { output: { type: string; code?: string }[] }[];
  const [chunk, ...others] = output;
  if (chunk?.code === undefined || others.length > 0) throw new Error(`vite wrote ${output.length} files`);
  return chunk.code;
}

/** Bundles the program as esbuild does when it is only told to bundle. */
export async function bundleProgram(folder: string): Promise<{ code: string; warnings: readonly string[] }> {
  const stdin = { contents: PROGRAM, resolveDir: folder };
  const { outputFiles, warnings } = await bundle({ stdin, bundle: true, write: false, logLevel: 'silent' });
  const [file, ...others] = outputFiles;
  if (file === undefined || others.length > 0) throw new Error(`esbuild wrote ${outputFiles.length} files`);
  return { code: file.text, warnings: warnings.map(({ text }) => text) };
}
