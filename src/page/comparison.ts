import type { ClientPlan } from '../client/index.ts';
import { parseFilterConfig } from '../frontend/config.ts';
import { decodeNpy } from '../frontend/npy.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ConvShape } from '../../compiler/convolution/shape.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { compareTensors } from '../../runtime/clear/compare.ts';
import type { Compared, NamedFile, Run } from './messages.ts';

/**
 * Compares an output with the convolution in the clear. A client plan holds no weights, so the filter must come from
 * whoever has its config; nothing of it leaves the browser.
 * @param last input and output of one inference, NCHW
 * @param files one `*.conv.json`, and the .npy files that it names
 * @throws CipherconvError when the config cannot be read, or is of another shape than the plan.
 */
export function compareWithConfig(plan: ClientPlan, last: Run, files: readonly NamedFile[]): Compared {
  const began = performance.now();
  const spec = specFrom(files);
  requireSameShape(plan.view.shape, spec);
  const expected = convolve(spec, last.input);
  const { mismatches, outputs, first } = compareTensors(expected, last.output);
  return { expected, mismatches, outputs, first, ms: performance.now() - began };
}

function specFrom(files: readonly NamedFile[]): ConvSpec {
  const [config, ...more] = files.filter(({ name }) => !name.endsWith('.npy'));
  if (config === undefined || more.length > 0) {
    throw new CipherconvError({
      code: 'usage',
      message: 'choose one filter config',
      expected: 'one *.conv.json, together with the .npy files that it names',
      found: files.map(({ name }) => name).join(', '),
    });
  }
  const text = new TextDecoder().decode(config.bytes);
  return parseFilterConfig(text, { file: config.name, loadNpy: (path) => npyAmong(files, path) }).spec;
}

/** Browsers tell names, not folders. */
export function npyAmong(files: readonly NamedFile[], path: string): Tensor {
  const name = path.split('/').at(-1);
  const file = files.find((candidate) => candidate.name === name);
  if (file !== undefined) return decodeNpy(file.bytes, file.name);
  throw new CipherconvError({
    code: 'unreadable',
    where: path,
    message: 'the weights are in a file that was not chosen',
    hint: `choose the config and ${name ?? path} together`,
  });
}

/** Every extent and attribute, in words that can be compared. */
function describeShape(shape: ConvShape): Readonly<Record<string, string>> {
  const { input, weights, strides, pads, dilations, group } = shape;
  const { batch, channels, height, width, bits, signed, zeroPoint, range } = input;
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth } = weights;
  return {
    'input.shape': `[${[batch, channels, height, width].join(', ')}] (NCHW)`,
    'input.bits': `${bits} bits ${signed ? 'signed' : 'unsigned'}`,
    'input.zeroPoint': String(zeroPoint),
    'input.range': `[${range.lo}, ${range.hi}]`,
    'weights.shape': `[${[outChannels, channelsPerGroup, kernelHeight, kernelWidth].join(', ')}] (OIHW)`,
    strides: `[${strides.join(', ')}]`,
    pads: `[${pads.join(', ')}]`,
    dilations: `[${dilations.join(', ')}]`,
    group: String(group),
  };
}

function requireSameShape(planned: ConvShape, given: ConvShape): void {
  const [expected, found] = [describeShape(planned), describeShape(given)];
  for (const [where, text] of Object.entries(expected)) {
    if (text === found[where]) continue;
    throw new CipherconvError({
      code: 'shape-mismatch',
      where,
      message: 'the config is not the one that this plan was compiled from',
      expected: `${text}, as in the plan`,
      found: found[where] ?? 'nothing',
    });
  }
}
