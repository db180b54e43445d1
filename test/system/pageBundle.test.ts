import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Service } from '../../src/server/service.ts';
import { servePage } from './servePage.ts';

const folder = mkdtempSync(join(tmpdir(), 'cipherconv-page-'));
let service: Service | null = null;

beforeAll(async () => {
  service = await servePage(join(folder, 'page'));
});

afterAll(async () => {
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('the bundle', () => {
  const files = (): string[] =>
    readdirSync(join(folder, 'page'), { recursive: true, encoding: 'utf8' }).toSorted();
  const read = (name: string): string => readFileSync(join(folder, 'page', name), 'utf8');

  it('holds page, worker, styles and SEAL, and nothing of Node', () => {
    const assets = files().filter((name) => name.startsWith('assets/'));
    for (const kind of [/index-.*\.js$/, /worker-.*\.js$/, /\.css$/, /seal.*\.wasm$/]) {
      expect(assets.filter((name) => kind.test(name)).length).toBe(1);
    }
    const scripts = assets.filter((name) => name.endsWith('.js'));
    for (const name of scripts) {
      // Where hints are kept in Node is asked of Node itself, which browsers have not got: nothing is imported.
      const text = read(name).replaceAll(/getBuiltinModule\(['"`]node:[\w/]+['"`]\)/g, '');
      expect(/['"`]node:|require\(['"`](fs|path)['"`]\)/.exec(text)).toBeNull();
    }
  });

  it('asks for nothing that its policy forbids', () => {
    const html = read('index.html');
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/);
    for (const [, attributes = ''] of html.matchAll(/<script([^>]*)>/g)) expect(attributes).toContain('src=');
    for (const [, address = ''] of html.matchAll(/(?:src|href)="([^"]*)"/g)) expect(address).toMatch(/^\.\//);
  });

  it('names the license of every package in it', () => {
    const licenses = read('licenses.txt');
    for (const name of ['node-seal', 'Microsoft SEAL', '@noble/hashes', 'zod', '@humanwhocodes/momoa']) {
      expect(licenses).toContain(name);
    }
  });
});
