import type { Parameters } from '../../compiler/bfv/parameters.ts';
import { codeBits, packedBytes, residueCode } from './coefficients.ts';
import type { PolynomialCode } from './coefficients.ts';
import { requireLength } from './ciphertexts.ts';
import { Packer } from './packer.ts';
import type { PackingModule } from './packer.ts';

/**
 * A hint as it lies in files and travels: of every row all coefficients under every prime, at the bits of the prime, rows
 * back to back. Nothing is dropped: it is multiplied by secrets.
 */

/** How the coefficients of a row are packed, prime by prime. */
export function hintCode({ dataPrimes }: Pick<Parameters, 'dataPrimes'>): PolynomialCode {
  return residueCode(dataPrimes.map(BigInt));
}

/** Bytes of one row. */
export function hintRowBytes(parameters: Pick<Parameters, 'dataPrimes' | 'degree'>): number {
  return packedBytes(codeBits(hintCode(parameters), parameters.degree));
}

/** Reads the rows of a hint. */
export class HintReader {
  /** Bytes of one row. */
  readonly rowBytes: number;
  readonly #code: PolynomialCode;
  readonly #packer: Packer;

  constructor(packing: PackingModule, parameters: Parameters) {
    this.rowBytes = hintRowBytes(parameters);
    this.#code = hintCode(parameters);
    this.#packer = new Packer(packing, {
      degree: parameters.degree,
      components: parameters.dataPrimes.length,
    });
  }

  /**
   * Words of row number `row`: 64 bits in halves, prime by prime, valid until the next call.
   * @param hint all rows
   * @throws CipherconvError `malformed-tensor` for a row that is cut off, or a coefficient that is not below its prime.
   */
  readRow(hint: Uint8Array, row: number): Uint32Array {
    const bytes = hint.subarray(row * this.rowBytes, (row + 1) * this.rowBytes);
    const where = `hint[${row}]`;
    requireLength(bytes, this.rowBytes, where);
    this.#packer.read(bytes, 0, this.#code, 0, null, where);
    return this.#packer.words;
  }
}
