import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { readText, requireReadable, STANDARD_STREAM } from '../frontend/files.ts';
import { DEFAULT_SETTINGS, parseSettings } from './settings.ts';
import type { Settings } from './settings.ts';

/** Name of a settings file. */
export const SETTINGS_FILE = 'cipherconv.config.json';

/** Settings for a linted file; `error` when its settings file is broken, and then the defaults stand in. */
export interface FoundSettings {
  readonly settings: Settings;
  /** The settings file, as messages name it; null for the defaults. */
  readonly file: string | null;
  readonly error: CipherconvError | null;
}

const NONE: FoundSettings = { settings: DEFAULT_SETTINGS, file: null, error: null };

/** Looks for the nearest settings file above each linted file; every folder is looked at once. */
export function createSettingsFinder(): (linted: string) => Promise<FoundSettings> {
  const known = new Map<string, Promise<FoundSettings>>();
  const ofFolder = (folder: string): Promise<FoundSettings> => {
    const cached = known.get(folder);
    if (cached !== undefined) return cached;
    const candidate = join(folder, SETTINGS_FILE);
    const above = dirname(folder);
    const found = existsSync(candidate)
      ? readSettings(candidate)
      : above === folder
        ? Promise.resolve(NONE)
        : ofFolder(above);
    known.set(folder, found);
    return found;
  };
  return (linted) => ofFolder(linted === STANDARD_STREAM ? process.cwd() : dirname(resolve(linted)));
}

async function readSettings(path: string): Promise<FoundSettings> {
  const file = shorter(path);
  try {
    await requireReadable(path);
    return { settings: parseSettings(await readText(path), file), file, error: null };
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    return { settings: DEFAULT_SETTINGS, file, error };
  }
}

/** Relative to the current folder where that is shorter. */
function shorter(path: string): string {
  const short = relative(process.cwd(), path);
  return short.length < path.length ? short : path;
}

/**
 * The settings file that the user named.
 * @throws CipherconvError `unreadable`, `malformed-json` or `malformed-config`.
 */
export async function namedSettings(path: string): Promise<FoundSettings> {
  return { settings: parseSettings(await readText(path), path), file: path, error: null };
}
