import type { Plan } from '../../compiler/lowerings/plan.ts';
import { printable } from '../../compiler/base/printable.ts';
import { requiredWidth } from '../../compiler/base/interval.ts';
import type { Interval, Width } from '../../compiler/base/interval.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { coeffModulusBits } from '../../compiler/bfv/parameters.ts';

/** How plans read in text. */

/** `1 bit`, `2 bits`. */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : many}`;
}

export function describeWidth(width: Width): string {
  return `${plural(width.bits, 'bit')} ${width.signed ? 'signed' : 'unsigned'}`;
}

export function describeInterval(interval: Interval): string {
  return `[${interval.lo}, ${interval.hi}] (${describeWidth(requiredWidth(interval))})`;
}

/** "16 bits", or "36 + 36 + 37 bits (the last one special)". */
export function describeModulus(plan: Plan): string {
  const bits = coeffModulusBits(plan.parameters);
  const total = bits.length > 1 ? ` = ${bits.reduce((sum, prime) => sum + prime, 0)}` : '';
  const special = plan.parameters.specialPrime === null ? '' : ', the last one special';
  return `${bits.join(' + ')}${total} bits (${plural(bits.length, 'prime')}${special})`;
}

/** The plan in one line, for those who wrote it to a file. */
export function oneLine({ plan, digest }: StoredPlan): string {
  const { degree, plainModulus } = plan.parameters;
  const bits = coeffModulusBits(plan.parameters).join('+');
  return `${printable(plan.spec.name)}: N = ${degree}, t = ${plainModulus}, q of ${bits} bits, digest ${digest.slice(0, 16)}...`;
}

function pairText([vertical, horizontal]: readonly [number, number]): string {
  return vertical === horizontal ? String(vertical) : `${vertical} down and ${horizontal} across`;
}

/** The convolution in words, one line each. */
export function describeSpec(spec: ConvSpec): string[] {
  const { input, weights, strides, pads, dilations, group } = spec;
  const output = outputShape(spec);
  const range = `[${input.range.lo}, ${input.range.hi}]`;
  const extras = [
    strides.every((stride) => stride === 1) ? null : `stride ${pairText(strides)}`,
    pads.every((pad) => pad === 0) ? null : `pads ${pads.join(', ')} (top, left, bottom, right)`,
    dilations.every((dilation) => dilation === 1) ? null : `dilation ${pairText(dilations)}`,
    group === 1 ? null : `${group} groups`,
    spec.bias.every((bias) => bias === 0) ? null : 'with bias',
  ].filter((extra) => extra !== null);
  const weightZero = [...new Set(weights.zeroPoints)];
  const zeroPoints = [
    input.zeroPoint === 0 ? null : `input zero point ${input.zeroPoint}`,
    weightZero.every((zero) => zero === 0)
      ? null
      : `weight zero point ${weightZero.length === 1 ? String(weightZero[0]) : 'of each output channel'}`,
  ].filter((extra) => extra !== null);
  return [
    `input    ${input.batch} x ${input.channels} x ${input.height} x ${input.width}, ${describeWidth(input)}, values in ${range}`,
    `filter   ${weights.outChannels} of ${weights.channelsPerGroup} x ${weights.kernelHeight} x ${weights.kernelWidth}, ${describeWidth(weights)}`,
    `output   ${output.batch} x ${output.channels} x ${output.height} x ${output.width}`,
    ...(extras.length > 0 ? [`options  ${extras.join(', ')}`] : []),
    ...(zeroPoints.length > 0 ? [`zeros    ${zeroPoints.join(', ')}`] : []),
  ];
}
