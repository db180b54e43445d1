/**
 * `npm run build:kernel [-- --check]`: compiles the direct kernel (AssemblyScript) and embeds it in
 * runtime/kernels/direct.gen.ts; with --check only says whether that file is what the source gives (exit 1 if not).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ASC = join(ROOT, 'node_modules', 'assemblyscript', 'bin', 'asc.js');
const SOURCE = join('runtime', 'kernels', 'assembly', 'direct.ts');
const TARGET = join(ROOT, 'runtime', 'kernels', 'direct.gen.ts');

/** No runtime, no assertions: the module has no allocator and imports nothing but its memory. */
const FLAGS = ['--enable', 'simd', '--runtime', 'stub', '--noAssert', '--importMemory', '-O3'];

function compileKernel(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'cipherconv-kernel-'));
  try {
    const wasm = join(folder, 'direct.wasm');
    execFileSync(process.execPath, [ASC, SOURCE, ...FLAGS, '--outFile', wasm], {
      cwd: ROOT,
      stdio: 'inherit',
    });
    return readFileSync(wasm);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const text = `/** Written by \`npm run build:kernel\` from assembly/direct.ts; do not edit. WebAssembly, base64. */
export const DIRECT_WASM =
  '${compileKernel().toString('base64')}';
`;
if (process.argv.includes('--check')) {
  const current = readFileSync(TARGET, 'utf8');
  if (current !== text) {
    console.error('runtime/kernels/direct.gen.ts is not what its source compiles to: npm run build:kernel');
    process.exitCode = 1;
  }
} else {
  writeFileSync(TARGET, text);
  console.log(`wrote ${TARGET}`);
}
