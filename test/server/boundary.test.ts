/** A server cannot hold a secret key, and a client holds nothing of a server: by types, by imports, by exports. */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { PublicSeal, Seal } from '../../runtime/seal/module.ts';
import * as client from '../../src/client/index.ts';
import * as server from '../../src/server/index.ts';
import type { PlanServer } from '../../src/server/index.ts';

const root = join(import.meta.dirname, '..', '..');

/** Modules of ours that a module reaches through imports that are not of types alone, itself included. */
function reached(entry: string): string[] {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const source = readFileSync(file, 'utf8');
    for (const [, type, target] of source.matchAll(
      /^(?:import|export)\s+(type\s)?[^;]*?from\s+'([^']+)';/gms,
    )) {
      if (type === undefined && target!.startsWith('.')) visit(join(dirname(file), target!));
      if (type === undefined && !target!.startsWith('.')) packages.add(target!);
    }
  };
  const packages = new Set<string>();
  visit(join(root, entry));
  return [...[...seen].map((file) => relative(root, file)), ...packages].sort();
}

const SECRET = /\b(KeyGenerator|SecretKey|Encryptor|Decryptor|secretKey|decrypt)\(/;

describe('cipherconv/server', () => {
  it('sees a SEAL without secret keys', () => {
    expectTypeOf<
      Extract<keyof PublicSeal, 'KeyGenerator' | 'SecretKey' | 'Encryptor' | 'Decryptor'>
    >().toBeNever();
    expectTypeOf<Seal>().toExtend<PublicSeal>();
    expectTypeOf<Extract<keyof PlanServer, 'decrypt' | 'secretKey' | 'exportSecretKey'>>().toBeNever();
  });

  it('reaches no module that makes, reads or uses a secret key', () => {
    const modules = reached('src/server/index.ts');
    expect(modules).toContain('runtime/evaluator/ntt.ts');
    expect(modules).toContain('compiler/lowerings/verify.ts');
    for (const module of modules.filter((name) => name.endsWith('.ts')))
      expect(readFileSync(join(root, module), 'utf8'), module).not.toMatch(SECRET);
  });

  it('offers no way to decrypt', () => {
    expect(Object.keys(server).filter((name) => /key|crypt|client/i.test(name))).toEqual([]);
  });
});

describe('cipherconv/client', () => {
  const modules = reached('src/client/index.ts');

  it('reaches nothing of Node, of servers, of the compiler but data', () => {
    expect(modules).toContain('runtime/client/client.ts');
    expect(modules.filter((name) => /^node:|^(fs|path|crypto|worker_threads)$/.test(name))).toEqual([]);
    expect(
      modules.filter((name) =>
        /evaluator|kernels\/direct|directMachine|\/pool\/|server\/|\/(compile|search|program|verify|simulate)\.ts/i.test(
          name,
        ),
      ),
    ).toEqual([]);
  });

  it('needs few packages', () => {
    expect(modules.filter((name) => !name.endsWith('.ts'))).toEqual([
      '@humanwhocodes/momoa',
      '@noble/hashes/sha2.js',
      '@noble/hashes/utils.js',
      'zod',
    ]);
  });

  it('offers what the documentation says', () => {
    expect(Object.keys(client).sort()).toEqual([
      'CipherconvError',
      'MESSAGE_HEADER_BYTES',
      'ServerError',
      'connect',
      'connectModel',
      'connectNetwork',
      'connectPlan',
      'createPlanClient',
      'decryptWithOneTimeKey',
      'folderHintCache',
      'inLayout',
      'makeTensor',
      'nchwOf',
      'parseClientPlan',
    ]);
  });
});
