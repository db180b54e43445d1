import { bitLength } from '../base/interval.ts';
import { WIRE_NANOSECONDS } from '../cost/costs.gen.ts';
import type { Objective } from '../cost/estimate.ts';
import { lanePrimes, RING_NANOSECONDS, ringProduct } from '../cost/ringCosts.ts';
import { outputShape } from '../convolution/shape.ts';
import { elementCount } from '../base/tensor.ts';
import { protocolOf } from '../lowering/plan.ts';
import type { Protocol } from '../lowering/plan.ts';
import { directKernel, nttServer } from './cost.ts';
import type { DirectCounts } from './cost.ts';
import { directCounts } from './direct/cost.ts';
import { hintBytes } from './hint.ts';
import { hintCost } from './hintCost.ts';
import { transformNanoseconds, transformsAreFaster } from './hintWay.ts';
import { limbsFor } from '../rings/digits.ts';
import { toeplitzLayout } from './packing.ts';
import type { ToeplitzLayout } from './packing.ts';
import { wireOf } from './plan.ts';
import type { ToeplitzPlan } from './plan.ts';

/** What a plan costs under its protocol, in terms that both protocols share: our own ring arithmetic on the client. */
export interface ProtocolCost {
  readonly protocol: Protocol;
  /** From the input to the result of one inference, client and server together. */
  readonly onlineMilliseconds: number;
  /** What the client does for one inference before there is an input. */
  readonly offlineMilliseconds: number;
  /** What the server does once for the plan: the hint. */
  readonly onceMilliseconds: number;
  /** Upload and response of one inference. */
  readonly bytes: number;
  /** What a client downloads once: the hint. */
  readonly onceBytes: number;
}

/** Estimated times, and exact bytes, of one inference of a plan. */
export function protocolCost(plan: ToeplitzPlan): ProtocolCost {
  const { spec, packing, parameters, counts, execution, bytes } = plan;
  const { degree } = parameters;
  const layout = toeplitzLayout(spec, packing, degree);
  const primes = parameters.dataPrimes.map(BigInt);
  const cut = directCounts(spec, packing, primes, { ...layout, degree });
  const direct = execution.kernel === 'direct' ? { ...cut, limbs: execution.lanes.limbs } : cut;
  const output = outputShape(spec);
  const outputElements = elementCount([output.batch, output.channels, output.height, output.width]);
  const protocol = protocolOf(wireOf(plan));
  const dataPrimeBits = primes.map(bitLength);
  const perInference = { protocol, bytes: bytes.upload + bytes.response };
  if (protocol === 'hint') {
    const hintRows = layout.resultRows - plan.transfer.emptyRows.length;
    const cost = hintCost(
      {
        degree,
        dataPrimeBits,
        ...counts,
        uploadCoefficients: coefficientsOf(bytes.upload, dataPrimeBits, plan.wire.uploadC0),
        uploadBits: 0,
        outputElements,
        responseBits: 0,
        hintRows,
      },
      direct,
    );
    return {
      ...perInference,
      onlineMilliseconds: cost.onlineMilliseconds,
      offlineMilliseconds: cost.offlineMilliseconds,
      onceMilliseconds: hintMilliseconds(plan, layout, cut),
      onceBytes: hintBytes({ ...plan, shape: spec }),
    };
  }
  const server =
    execution.kernel === 'ntt'
      ? nttServer({ degree, counts }) * 1000
      : directKernel({ degree, counts }, direct, 'both') +
        counts.inputCiphertexts * degree * (RING_NANOSECONDS.expand + WIRE_NANOSECONDS.unpack);
  const ends = clientNanoseconds(degree, dataPrimeBits, counts);
  return {
    ...perInference,
    onlineMilliseconds: (server * primes.length + ends) / 1e6,
    offlineMilliseconds: 0,
    onceMilliseconds: 0,
    onceBytes: 0,
  };
}

/** What computing the hint takes, by the way in which it is computed. */
function hintMilliseconds(
  { spec, parameters, counts, noise, transfer }: ToeplitzPlan,
  { rows, columns, blockGroups, resultRows }: ToeplitzLayout,
  direct: DirectCounts,
): number {
  const { degree } = parameters;
  const primes = parameters.dataPrimes.map(BigInt);
  const { outChannels, channelsPerGroup } = spec.weights;
  const inputs = counts.inputCiphertexts / blockGroups;
  const sums = {
    degree,
    inputs,
    products: counts.weightPlaintexts,
    taps: outChannels * channelsPerGroup * rows.taps.length * columns.taps.length,
    lanes: primes.reduce((sum, prime) => sum + lanePrimes(bitLength(prime), noise.rowL1), 0),
    limbs: primes.reduce((sum, prime) => sum + limbsFor(prime).limbs, 0),
  };
  const oneGroup = {
    ...counts,
    inputCiphertexts: inputs,
    outputCiphertexts: counts.outputCiphertexts / blockGroups,
  };
  const work = transformsAreFaster(sums)
    ? transformNanoseconds(sums, resultRows - transfer.emptyRows.length, primes, noise.rowL1)
    : directKernel({ degree, counts: oneGroup }, { ...direct, blockGroups: 1 }, 'c1') * primes.length;
  return (work + inputs * degree * RING_NANOSECONDS.expand * primes.length) / 1e6;
}

/** Coefficients that fill so many bytes. */
function coefficientsOf(bytes: number, dataPrimeBits: readonly number[], dropped: number): number {
  const bits = dataPrimeBits.reduce((sum, prime) => sum + prime, 0);
  return Math.floor((8 * bytes) / (bits - dropped));
}

/** Encrypting every input and decrypting every result, each with a product by the secret. */
function clientNanoseconds(
  degree: number,
  dataPrimeBits: readonly number[],
  { inputCiphertexts, outputCiphertexts }: ToeplitzPlan['counts'],
): number {
  const { expand, draw, coefficient } = RING_NANOSECONDS;
  const { pack, unpack } = WIRE_NANOSECONDS;
  const product = dataPrimeBits.reduce((sum, bits) => sum + ringProduct(degree, bits, 'fresh'), 0);
  const primes = dataPrimeBits.length;
  return (
    inputCiphertexts * (product + degree * (draw + primes * (expand + coefficient + pack))) +
    outputCiphertexts * (product + degree * primes * (unpack + coefficient))
  );
}

/** From how many inferences of a client on hints cost less than the standard protocol; null where they never do. */
export interface BreakEven {
  /** By time: what the hint takes once, against what each inference saves, its one-time key included. */
  readonly time: number | null;
  /** By bytes: the download of the hint, against what each inference saves. */
  readonly bytes: number | null;
}

export function breakEven(standard: ProtocolCost, hint: ProtocolCost): BreakEven {
  const ofHint = hint.onlineMilliseconds + hint.offlineMilliseconds;
  return {
    time: inferencesToSave(hint.onceMilliseconds, standard.onlineMilliseconds - ofHint),
    bytes: inferencesToSave(hint.onceBytes, standard.bytes - hint.bytes),
  };
}

function inferencesToSave(once: number, saved: number): number | null {
  return saved <= 0 ? null : Math.max(1, Math.ceil(once / saved));
}

/** Whether hints cost no more for so many inferences, by what the objective counts. */
export function hintsPay({ time, bytes }: BreakEven, objective: Objective, inferences: number): boolean {
  const needed = objective === 'bandwidth' ? bytes : time;
  return needed !== null && inferences >= needed;
}
