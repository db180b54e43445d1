import { loadSeal } from '../../runtime/seal/module.ts';

/** A class of node-seal as far as counting its calls needs to know it. */
interface SealClass {
  readonly prototype: Record<string, unknown>;
}

function isClass(value: unknown): value is SealClass {
  return typeof value === 'function' && typeof value.prototype === 'object' && value.prototype !== null;
}

/** Names that tests ask of a handle without reaching C++ with anything. */
const HARMLESS = ['constructor', 'delete', 'isDeleted', 'deleteLater', 'isAliasOf', 'clone'];

/**
 * Runs `use` and returns the names of all methods of SEAL objects that it called, in order. Methods only: objects that
 * hold foreign bytes get them through one.
 */
export async function sealCalls(use: () => unknown): Promise<string[]> {
  const seal = await loadSeal();
  const calls: string[] = [];
  const undo: (() => void)[] = [];
  for (const [name, value] of Object.entries(seal)) {
    if (!isClass(value)) continue;
    const { prototype } = value;
    for (const method of Object.getOwnPropertyNames(prototype)) {
      const original = Object.getOwnPropertyDescriptor(prototype, method);
      if (original === undefined || HARMLESS.includes(method) || typeof original.value !== 'function')
        continue;
      const implementation = original.value as (...args: unknown[]) => unknown;
      prototype[method] = function counted(this: unknown, ...args: unknown[]): unknown {
        calls.push(`${name}.${method}`);
        return implementation.apply(this, args);
      };
      undo.push(() => Object.defineProperty(prototype, method, original));
    }
  }
  try {
    await use();
  } finally {
    for (const restore of undo) restore();
  }
  return calls;
}
