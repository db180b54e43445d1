import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

/** What a package asks to be told wherever its code goes. */
interface Notice {
  readonly title: string;
  readonly text: string;
}

/** The package that a module comes from: its folder, up to and with its name. */
const PACKAGE_FOLDER = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/;

/** What packages do not say of what they hold. */
const WITHIN: Readonly<Record<string, string>> = {
  'node-seal': 'It holds Microsoft SEAL, Copyright (c) Microsoft Corporation, under the same MIT license.',
};

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly homepage?: string;
}

function noticeOf(folder: string): Notice {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const { name, version, license } = manifest;
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.\w+)?$/i.test(entry));
  const text =
    file === undefined
      ? `${license}, https://spdx.org/licenses/${license}.html; ${manifest.homepage ?? ''}`
      : readFileSync(join(folder, file), 'utf8').trim();
  const within = WITHIN[name];
  return {
    title: `${name} ${version} (${license})`,
    text: within === undefined ? text : `${text}\n\n${within}`,
  };
}

/**
 * Writes the licenses of all packages that the page and its worker are bundled from. Vite's own list leaves the worker
 * out, so this needs a collector in either bundle.
 */
export function bundledLicenses(fileName: string): { readonly page: Plugin; readonly worker: Plugin } {
  const notices = new Map<string, Notice>();
  const collect = (moduleIds: readonly string[]): void => {
    for (const id of moduleIds) {
      const [folder] = PACKAGE_FOLDER.exec(id) ?? [];
      if (folder !== undefined && existsSync(join(folder, 'package.json')))
        notices.set(folder, noticeOf(folder));
    }
  };
  const plugin = (name: string, onCollected: (emit: (source: string) => void) => void): Plugin => ({
    name,
    generateBundle(_, bundle) {
      for (const output of Object.values(bundle)) if (output.type === 'chunk') collect(output.moduleIds);
      onCollected((source) => this.emitFile({ type: 'asset', fileName, source }));
    },
  });
  return {
    worker: plugin('licenses-of-the-worker', () => undefined),
    page: plugin('licenses-of-the-page', (emit) => {
      emit(textOf([...notices.values()]));
    }),
  };
}

function textOf(notices: readonly Notice[]): string {
  const sorted = notices.toSorted((one, other) => (one.title < other.title ? -1 : 1));
  return sorted.map(({ title, text }) => `${title}\n\n${text}\n`).join(`\n${'-'.repeat(80)}\n\n`);
}
