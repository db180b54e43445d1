import { analyzeAccumulator } from '../../../compiler/accumulator/exact.ts';
import type { AccumulatorAnalysis } from '../../../compiler/accumulator/exact.ts';
import { outputShape } from '../../../compiler/convolution/shape.ts';
import type { CiphertextPlaces } from '../../../compiler/lowering/layout.ts';
import type { Plan } from '../../../compiler/lowerings/plan.ts';
import { clientView, viewRules } from '../../../compiler/lowerings/views.ts';
import { firstResult } from './contributions.ts';
import { matrixPicture } from './matrix.ts';
import type { MatrixPicture } from './matrix.ts';
import { productPicture } from './product.ts';
import type { ProductPicture } from './product.ts';
import { numberRuns, placeRuns } from './runs.ts';
import type { NumberRun, PlaceRun } from './runs.ts';
import { tilesOf } from './tiles.ts';
import type { TilePicture } from './tiles.ts';

/**
 * The packing of a plan as data for pictures. All of it is read from what executes the plan: its layout, which clients
 * encrypt by, and its program, which servers evaluate. Pure: it runs in browsers.
 */
export interface PackingPicture {
  /** What a position is: a coefficient of a polynomial, or a slot. */
  readonly encoding: 'coefficients' | 'slots';
  /** Positions of a ciphertext: N. */
  readonly degree: number;
  /** Positions from one row of a picture to the next. */
  readonly rowPitch: number;
  /** Shapes of the tensors that elements are counted in, NCHW. */
  readonly input: TensorExtents;
  /** The same of the output. */
  readonly output: TensorExtents;
  /** The first input ciphertext. */
  readonly upload: CiphertextPicture;
  /** The first result ciphertext; null when all weights are 0. */
  readonly result: CiphertextPicture | null;
  /** How the picture is cut; null where a lowering has no tiles. */
  readonly tiles: TilePicture | null;
  /** The flattened filter matrix as the program applies it, as much of it as is shown. */
  readonly matrix: MatrixPicture | null;
  /** How one output is computed, step by step. */
  readonly product: ProductPicture | null;
}

/** Extents of a tensor. */
export interface TensorExtents {
  /** Images. */
  readonly batch: number;
  /** Channels. */
  readonly channels: number;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/** One of several ciphertexts, with the elements that stand in it. */
export interface CiphertextPicture {
  /** How many ciphertexts of its kind travel in a run. */
  readonly of: number;
  /** Elements that stand in this one. */
  readonly elements: number;
  /** Where they stand. */
  readonly runs: readonly PlaceRun[];
  /** Runs that are left out here, because there are very many. */
  readonly runsCut: number;
  /** Coefficients of c0 that travel; null: all of them. */
  readonly travelling: readonly NumberRun[] | null;
}

/** Runs of one ciphertext that are kept: as many as a picture can show. */
const MOST_RUNS = 4096;

/** How much is kept to be drawn. */
export interface PictureBudget {
  /** Entries of the matrix. */
  readonly entries: number;
  /** Products of the one output that is shown step by step. */
  readonly steps: number;
  /** Input channels of a witness. */
  readonly witnessChannels: number;
}

/** Room for the whole matrix of a filter on a small picture. */
export const ONE_LAYER: PictureBudget = { entries: 8000, steps: 64, witnessChannels: 8 };
/** What a layer of a model gets, so that a report of many layers stays small. */
export const OF_MANY_LAYERS: PictureBudget = { entries: 1500, steps: 18, witnessChannels: 3 };

/**
 * @param analysis of the plan's convolution, where it is there already
 */
export function packingPicture(
  plan: Plan,
  budget: PictureBudget = ONE_LAYER,
  analysis: AccumulatorAnalysis = analyzeAccumulator(plan.spec),
): PackingPicture {
  const view = clientView(plan);
  const layout = viewRules(view).layout(view);
  const { batch, channels, height, width } = plan.spec.input;
  const products = firstResult(plan);
  const [upload] = layout.uploads;
  const [result] = layout.results;
  return {
    encoding: layout.encoding,
    degree: plan.parameters.degree,
    rowPitch: plan.packing.rowPitch,
    input: { batch, channels, height, width },
    output: outputShape(plan.spec),
    upload: ciphertext(upload, layout.uploads.length),
    result: result === undefined ? null : ciphertext(result, layout.results.length),
    tiles: plan.lowering === 'toeplitz' ? tilesOf(plan) : null,
    matrix: products === null ? null : matrixPicture(plan, products, budget.entries),
    product: products === null ? null : productPicture(plan, products, analysis, budget.steps),
  };
}

const NOTHING: CiphertextPlaces = {
  positions: new Int32Array(0),
  elements: new Int32Array(0),
  travelling: new Int32Array(0),
};

function ciphertext(places: CiphertextPlaces = NOTHING, of: number): CiphertextPicture {
  const runs = placeRuns(places);
  return {
    of,
    elements: places.elements.length,
    runs: runs.slice(0, MOST_RUNS),
    runsCut: Math.max(0, runs.length - MOST_RUNS),
    travelling: places.travelling === null ? null : numberRuns(places.travelling.toSorted()),
  };
}
