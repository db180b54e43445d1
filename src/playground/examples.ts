import { configText, specOfFilter, withOwnWidth } from '../init/config.ts';
import { filterOfKernel } from '../init/filter.ts';
import { kernelOf } from '../init/kernels.ts';
import { KERNELS } from '../init/kernelNames.ts';

/** Configs to begin with: those of `cipherconv init`, and one that the linter has something to say of. */
export interface Example {
  readonly name: string;
  readonly text: string;
}

const SIDE = 64;
const BITS = 4;
const SCHEMA = 'node_modules/cipherconv/schema/conv.schema.json';

/** What is there when the page opens comes first. */
export function examples(): readonly Example[] {
  const kernels = KERNELS.map((name) => ({ name, text: textOf(name, 3) }));
  return [...kernels, { name: 'gaussian 5x5', text: textOf('gaussian', 5) }, tooNarrow()];
}

function textOf(name: (typeof KERNELS)[number], size: number): string {
  const filter = filterOfKernel(kernelOf(name, size), null);
  const input = { height: SIDE, width: SIDE, bits: BITS };
  return configText(withOwnWidth(specOfFilter(`${name}${size}x${size}`, filter, input)), SCHEMA, null);
}

/** The same sums, in an accumulator that is one bit short. */
function tooNarrow(): Example {
  const text = textOf('gaussian', 3);
  const narrower = text.replace(
    /("accumulator": \{\s*"bits": )(\d+)/,
    (_, head: string, bits: string) => `${head}${Number(bits) - 1}`,
  );
  return { name: 'an accumulator that overflows', text: narrower };
}
