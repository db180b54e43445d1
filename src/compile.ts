import { sufficientWidth, widthOfBits } from '../compiler/accumulator/declaredWidth.ts';
import { analyzeAccumulator } from '../compiler/accumulator/exact.ts';
import { compileSpec } from '../compiler/lowerings/compile.ts';
import { CipherconvError } from '../compiler/base/errors.ts';
import type { ConvSpec } from '../compiler/convolution/spec.ts';
import { longWork } from '../runtime/longWork.ts';
import type { ParsedConfig } from './frontend/config.ts';
import { planCore } from './frontend/planFile.ts';
import type { PlanCore } from './frontend/planFile.ts';
import { LocatedError } from './frontend/positions.ts';
import type { CompileOptions } from '../compiler/lowerings/compile.ts';

/**
 * Compiles a parsed config, or another spec made from it. What has a hint is complete when that is computed
 * (`complete` of hint.ts).
 * @throws CipherconvError `overflow`, pointing at the declared accumulator, or `beyond-bfv`.
 */
export function compileConfig(
  config: ParsedConfig,
  options: CompileOptions = {},
  spec: ConvSpec = config.spec,
): PlanCore {
  try {
    return longWork(() => planCore(compileSpec(spec, options), config.layout));
  } catch (error) {
    if (!(error instanceof CipherconvError) || error instanceof LocatedError) throw error;
    const { code, message, expected, found } = error.details;
    const isOverflow = code === 'overflow';
    // What an option holds it to stands nowhere in the file.
    const byOption = isOverflow && options.accumulatorBits !== undefined;
    const position = isOverflow && !byOption ? config.locate(['accumulator', 'bits']) : null;
    const hint = byOption ? overflowHint(spec) : error.details.hint;
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

/** What to do about an overflow where an option, not the file, says how wide the accumulator is. */
export function overflowHint(spec: ConvSpec): string {
  const { interval } = analyzeAccumulator(spec);
  const { bits } = sufficientWidth(interval, widthOfBits(1, spec.accumulator));
  return `--accumulator-bits ${bits} (accumulatorBits), where the accumulator has so many; or smaller weights, or fewer taps`;
}
