/**
 * `npm run build:kernel [-- --check]`: compiles the WebAssembly modules (AssemblyScript) and embeds them in
 * *.gen.ts files under runtime; with --check only says whether those files are what the sources give (exit 1 if not).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ASC = join(ROOT, 'node_modules', 'assemblyscript', 'bin', 'asc.js');
const ASSEMBLY = join('runtime', 'assembly');

/** No runtime, no assertions: the modules have no allocator and import nothing but their memory. */
const FLAGS = ['--runtime', 'stub', '--noAssert', '--importMemory', '-O3'];
const SIMD = ['--enable', 'simd'];
/** Most pages of 64 KiB that a shared memory may have; the module has to name a limit. */
const SHARED = ['--enable', 'threads', '--sharedMemory', '--maximumMemory', '65536'];

interface Module {
  readonly source: string;
  readonly constant: string;
  readonly flags: readonly string[];
}

/** By generated file. */
const MODULES: Readonly<Record<string, Module>> = {
  'runtime/evaluator/direct/direct.gen.ts': { source: 'direct.ts', constant: 'DIRECT_WASM', flags: SIMD },
  'runtime/evaluator/direct/directShared.gen.ts': {
    source: 'direct.ts',
    constant: 'DIRECT_SHARED_WASM',
    flags: [...SIMD, ...SHARED],
  },
  'runtime/ring/ring.gen.ts': { source: 'ring.ts', constant: 'RING_WASM', flags: SIMD },
  'runtime/training/matrix.gen.ts': { source: 'matrix.ts', constant: 'MATRIX_WASM', flags: SIMD },
  // It has tables of its own: memory below 1024 is the module's.
  'runtime/wire/packing.gen.ts': { source: 'packing.ts', constant: 'PACKING_WASM', flags: SIMD },
};

function compile({ source, flags }: Module): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'cipherconv-kernel-'));
  try {
    const wasm = join(folder, 'module.wasm');
    const from = join(ASSEMBLY, source);
    execFileSync(process.execPath, [ASC, from, ...FLAGS, ...flags, '--outFile', wasm], {
      cwd: ROOT,
      stdio: 'inherit',
    });
    return readFileSync(wasm);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const [file, module] of Object.entries(MODULES)) {
  const target = join(ROOT, file);
  const text = `/** Written by \`npm run build:kernel\` from assembly/${module.source}; do not edit. WebAssembly, base64. */
export const ${module.constant} =
  '${compile(module).toString('base64')}';
`;
  if (!process.argv.includes('--check')) {
    writeFileSync(target, text);
    console.log(`wrote ${target}`);
  } else if (readFileSync(target, 'utf8') !== text) {
    console.error(`${file} is not what its source compiles to: npm run build:kernel`);
    process.exitCode = 1;
  }
}
