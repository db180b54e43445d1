import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { encodeClientPlan, clientPlanOf } from '../../src/frontend/clientPlan.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { createPlanServer } from '../../src/server/planServer.ts';
import { smallSpec } from '../runtime/handmadePlan.ts';
import { bundleProgram, installBrowserBundle } from '../support/browserProgram.ts';
import { randomInput } from '../support/specs.ts';

let folder: string;
let outDir: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cipherconv-bundle-'));
  outDir = await installBrowserBundle(folder);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

type Infer = (
  plan: string,
  shape: readonly number[],
  values: readonly number[],
  evaluate: (upload: Uint8Array) => Promise<Uint8Array>,
) => Promise<number[]>;

/** Every module that a script names in an import or a require. */
function imported(code: string): string[] {
  return [...code.matchAll(/(?:\bfrom|\bimport|\brequire)\s*\(?\s*["'`]([^"'`]+)["'`]/g)].map(
    ([, name = '']) => name,
  );
}

describe('cipherconv/client for browsers', () => {
  it('is scripts that import nothing but each other, with the licenses of what is in them', () => {
    const files = readdirSync(outDir);
    expect(files).toEqual(expect.arrayContaining(['client.js', 'licenses.txt']));
    const scripts = files.filter((file) => file.endsWith('.js'));
    expect(scripts.length).toBe(files.length - 1);
    for (const file of scripts) {
      const code = readFileSync(join(outDir, file), 'utf8');
      // What is no name of a module stands in some text: "get it from ...".
      const names = imported(code).filter((name) => /^[\w@./:-]+$/.test(name));
      for (const name of names) expect(scripts).toContain(name.replace(/^\.\//, ''));
      expect(code).not.toContain('import.meta');
      // A module that is asked for at run time, in Node alone, is no import that a bundler would follow.
      const imports = code.replaceAll(/getBuiltinModule\(["'`]node:/g, '');
      expect(imports).not.toMatch(/["'`]node:/);
    }
    expect(readFileSync(join(outDir, 'licenses.txt'), 'utf8')).toContain('Microsoft SEAL');
    expect(scripts.reduce((sum, file) => sum + statSync(join(outDir, file)).size, 0)).toBeLessThan(1_250_000);
  });

  it('loads no SEAL before somebody needs it: what is imported at once is small', () => {
    const atOnce = new Set<string>();
    const visit = (file: string): void => {
      if (atOnce.has(file)) return;
      atOnce.add(file);
      const code = readFileSync(join(outDir, file), 'utf8');
      for (const [, name = ''] of code.matchAll(/(?:\bfrom|\bimport)\s*["'`]\.\/([^"'`]+)["'`]/g))
        visit(name);
    };
    visit('client.js');
    const bytes = [...atOnce].reduce((sum, file) => sum + statSync(join(outDir, file)).size, 0);
    expect(bytes).toBeLessThan(400_000);
    // The WASM file, packed, is the greater part of all.
    const largest = readdirSync(outDir).toSorted(
      (left, right) => statSync(join(outDir, right)).size - statSync(join(outDir, left)).size,
    )[0]!;
    expect(statSync(join(outDir, largest)).size).toBeGreaterThan(500_000);
    expect([...atOnce]).not.toContain(largest);
  });

  it('the search for imports sees them', () => {
    const code = 'import a from "fs"; const b = await import("module"); require(\'path\'); export * from `x`';
    expect(imported(code)).toEqual(['fs', 'module', 'path', 'x']);
    expect(builtinModules).toContain('module');
  });

  it('exports what Node gets', async () => {
    const code = (await import(join(outDir, 'client.js'))) as object;
    const own = (await import('../../src/client/index.ts')) as object;
    expect(Object.keys(code).toSorted()).toEqual(Object.keys(own).toSorted());
  });

  it('is bundled by esbuild without settings, and gives the integers of the convolution', async () => {
    const { code, warnings } = await bundleProgram(folder);
    expect(warnings).toEqual([]);
    runInThisContext(code);
    const { infer } = globalThis as unknown as { infer: Infer };
    const stored = storedPlan(compileSpec(smallSpec()), 'NCHW');
    const server = await createPlanServer(stored);
    try {
      const input = randomInput(stored.plan.spec, 5);
      const plan = encodeClientPlan(clientPlanOf(stored));
      const output = await infer(plan, input.shape, [...input.data], (upload) =>
        Promise.resolve(server.evaluate(upload)),
      );
      expect(output).toEqual([...convolve(stored.plan.spec, input).data]);
    } finally {
      server.dispose();
    }
  });
});
