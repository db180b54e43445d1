import { CipherconvError } from '../../compiler/base/errors.ts';
import { CROSSING_ELEMENTS } from './typedTensor.ts';
import type { TypedTensor } from './typedTensor.ts';

/**
 * onnxruntime-web on one thread, an optional package that is loaded when something needs it: operators that the interpreter
 * does not compute, and the whole model as it stands, for a statistic.
 */

export const PACKAGE = 'onnxruntime-web';
export const VERSION = '1.30.0';

/** What is used of the package; declared here so that this compiles where it is not installed. */
export interface Ort {
  readonly env: { readonly wasm: { numThreads: number } };
  readonly Tensor: new (type: string, data: TypedTensor['data'], shape: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: OrtOptions): Promise<OrtSession>;
  };
}

interface OrtOptions {
  readonly executionProviders: readonly string[];
  readonly graphOptimizationLevel?: 'disabled' | 'basic' | 'extended' | 'all';
  /** 3: errors only, 4: fatal errors only. */
  readonly logSeverityLevel?: 3 | 4;
}

export interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: TypedTensor['data'];
}

interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

/** Loads the package, or null when it is not installed. */
export async function loadOrt(): Promise<Ort | null> {
  try {
    // A name that the compiler does not follow: the package is optional. Its subpath without WebGPU suits Node.
    const ort = (await import(`${PACKAGE}/wasm`)) as Ort;
    ort.env.wasm.numThreads = 1;
    return ort;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return null;
    throw error;
  }
}

/** A part of a model, or a whole one, ready to run. */
export interface Session {
  /** @throws CipherconvError `unsupported` with onnxruntime's reason. */
  readonly run: (inputs: ReadonlyMap<string, TypedTensor>) => Promise<Map<string, TypedTensor>>;
  readonly release: () => Promise<void>;
}

/**
 * Prepares a model.
 * @param what for messages
 * @throws CipherconvError `unsupported` with onnxruntime's reason.
 */
export async function openSession(
  ort: Ort,
  model: Uint8Array,
  what: string,
  graphOptimizationLevel: 'all' | 'disabled',
): Promise<Session> {
  const session = await attempt(what, () =>
    ort.InferenceSession.create(model, {
      executionProviders: ['wasm'],
      graphOptimizationLevel,
      logSeverityLevel: 4,
    }),
  );
  return {
    run: async (inputs) => {
      const feeds: Record<string, OrtTensor> = {};
      for (const name of session.inputNames) {
        const input = inputs.get(name);
        if (input === undefined) throw missing(what, name);
        feeds[name] = new ort.Tensor(ortName(input.type), input.data, input.shape);
      }
      const results = await attempt(what, () => session.run(feeds));
      return new Map(Object.entries(results).map(([name, tensor]) => [name, typed(tensor, name)]));
    },
    release: () => session.release(),
  };
}

function missing(what: string, name: string): CipherconvError {
  return new CipherconvError({
    code: 'shape-mismatch',
    where: what,
    message: `the input ${JSON.stringify(name)} is missing`,
  });
}

/** onnxruntime's name of an element type. */
function ortName(type: TypedTensor['type']): string {
  return type === 'double' ? 'float64' : type;
}

function typed(tensor: OrtTensor, name: string): TypedTensor {
  const type = CROSSING_ELEMENTS.find((crossing) => ortName(crossing) === tensor.type);
  if (type !== undefined) return { type, shape: tensor.dims, data: tensor.data };
  throw new CipherconvError({
    code: 'unsupported',
    where: name,
    message: `not supported yet: tensors of ${tensor.type} between the parts of a model`,
    expected: CROSSING_ELEMENTS.join(', '),
  });
}

async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CipherconvError(
      {
        code: 'unsupported',
        where: what,
        message: 'onnxruntime-web does not run this',
        found: reason.replaceAll(/\s+/g, ' ').slice(0, 300),
      },
      { cause: error },
    );
  }
}
