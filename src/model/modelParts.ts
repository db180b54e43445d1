import { dirname, isAbsolute, relative, sep } from 'node:path';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { displayName, noteInput, STANDARD_STREAM, unreadable } from '../frontend/files.ts';
import { insideOf, readRegularSync } from '../frontend/regularFiles.ts';
import type { ClientModel } from './clientModel.ts';
import { parseClientModel } from './clientModelFile.ts';
import { parseServerModel, requireSameModel } from './serverModel.ts';
import type { ServerModel } from './serverModel.ts';

/** The two files of a model that `compile -o SERVER --client-plan CLIENT` writes, where the one names the other. */

/** A server's part, with the client plan that stands beside it. */
export interface ModelParts {
  readonly server: ServerModel;
  readonly client: ServedClientModel | null;
}

/** A client plan as it is handed out. */
interface ServedClientModel {
  readonly model: ClientModel;
  /** The file as it stands. */
  readonly text: string;
  /** Name for messages. */
  readonly file: string;
}

/**
 * The client plan's path as the server's part names it: seen from its own folder, in it or below.
 * @returns null where the one cannot be reached from the other
 */
export function pathBetween(serverFile: string | undefined, clientFile: string): string | null {
  if (serverFile === undefined || serverFile === STANDARD_STREAM || clientFile === STANDARD_STREAM)
    return null;
  const path = relative(dirname(serverFile), clientFile);
  return isAbsolute(path) || path.split(sep).includes('..') ? null : path.split(sep).join('/');
}

/**
 * Reads a server's part, and the client plan that it names where that is there.
 * @param path of the server's part, for finding the client plan
 * @throws CipherconvError as `parseServerModel` and `parseClientModel` do; `wrong-plan` for a client plan of another model
 */
export function readModelParts(text: string, path: string): ModelParts {
  const server = parseServerModel(text, displayName(path));
  if (server.clientPlan === null || path === STANDARD_STREAM) return { server, client: null };
  const client = readClientBeside(dirname(path), server.clientPlan, displayName(path));
  if (client === null) return { server, client: null };
  requireSameModel(server, client.model, client.file);
  return { server, client };
}

/** null where there is no such file any more. */
function readClientBeside(folder: string, name: string, owner: string): ServedClientModel | null {
  try {
    const found = insideOf(folder, name);
    if (found.kind === 'outside') {
      throw new CipherconvError({
        code: 'malformed-plan',
        where: `${owner}: clientPlan`,
        message: `the client plan must stand below the folder of the server's part: ${found.reason}`,
        found: name,
      });
    }
    noteInput(found.path);
    const text = new TextDecoder().decode(readRegularSync(found.path));
    return { model: parseClientModel(text, displayName(found.path)), text, file: displayName(found.path) };
  } catch (error) {
    if (error instanceof CipherconvError) throw error;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw unreadable(name, error);
  }
}
