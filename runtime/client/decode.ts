import type { ClientView } from '../../compiler/lowerings/plan.ts';
import type { ElementPlaces } from '../../compiler/lowering/layout.ts';
import type { OutputShape } from '../../compiler/convolution/shape.ts';

/** Writes the accumulators at the output positions of `places` into `data` (flat NCHW). */
export type Decoder = (places: ElementPlaces, residues: Float64Array, data: Float64Array) => void;

/**
 * `decodeResidue` of compiler/lowerings/plan.ts for whole ciphertexts: the division that places a window in [0, t) is made once
 * a channel here and not once a value, where it would cost as much as SEAL's decryption.
 */
export function makeDecoder(view: ClientView, output: OutputShape): Decoder {
  const { plainModulus } = view.parameters;
  const { low, residueLow } = view.windows;
  const bases = residueLow.map((value) => ((value % plainModulus) + plainModulus) % plainModulus);
  const plane = output.height * output.width;
  return ({ positions, elements }, residues, data) => {
    for (let index = 0; index < elements.length; index++) {
      const element = elements[index]!;
      const channel = Math.floor(element / plane) % output.channels;
      const distance = residues[positions[index]!]! - bases[channel]!;
      data[element] = low[channel]! + (distance < 0 ? distance + plainModulus : distance);
    }
  };
}
