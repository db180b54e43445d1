import { compileSpec } from '../compiler/lowerings/compile.ts';
import { CipherconvError } from '../compiler/base/errors.ts';
import type { ConvSpec } from '../compiler/convolution/spec.ts';
import { longWork } from '../runtime/longWork.ts';
import type { ParsedConfig } from './frontend/config.ts';
import { storedPlan } from './frontend/planFile.ts';
import type { StoredPlan } from './frontend/planFile.ts';
import { LocatedError } from './frontend/positions.ts';
import type { CompileOptions } from '../compiler/lowerings/compile.ts';

/**
 * Compiles a parsed config, or another spec made from it, to a plan with its digest.
 * @throws CipherconvError `overflow`, pointing at the declared accumulator, or `beyond-bfv`.
 */
export function compileConfig(
  config: ParsedConfig,
  options: CompileOptions = {},
  spec: ConvSpec = config.spec,
): StoredPlan {
  try {
    return longWork(() => storedPlan(compileSpec(spec, options), config.layout));
  } catch (error) {
    if (!(error instanceof CipherconvError) || error instanceof LocatedError) throw error;
    const { code, message, expected, found, hint } = error.details;
    const position = code === 'overflow' ? config.locate(['accumulator', 'bits']) : null;
    const details = {
      code,
      message,
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
      ...(hint === undefined ? {} : { hint }),
    };
    throw new LocatedError(config.file, position, details, { cause: error });
  }
}
