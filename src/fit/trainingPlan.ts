import type { Squares } from './activation.ts';
import type { Architecture } from './architectureSchema.ts';
import type { Augmentation } from './augment.ts';
import type { Examples } from './examples.ts';
import type { LayerRecipe } from './recipe.ts';
import type { Stage } from './stages.ts';

/** What is trained, on what, and how long. */
export interface TrainingPlan {
  readonly architecture: Architecture;
  readonly stages: readonly Stage[];
  readonly recipe: readonly LayerRecipe[];
  readonly examples: Examples;
  readonly bits: number;
  readonly epochs: number;
  readonly batch: number;
  readonly augmentation: Augmentation;
  readonly squares: Squares;
}
