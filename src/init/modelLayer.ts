import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { displayName } from '../frontend/files.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import { nearest } from '../frontend/nearest.ts';

/** One layer of a model. */

/** Layers that a message names. */
const NAMED = 20;

/**
 * The convolution of a layer; without a name, of the only one.
 * @throws CipherconvError `usage` where a name is missing or none of the layers', with the reason where one is not encrypted
 */
export function specOfLayer(model: ImportedModel, path: string, name: string | undefined): ConvSpec {
  const { layers, openLayers, unsupported } = model;
  const names = layers.map((layer) => layer.name);
  const refuse = (message: string, expected: string, hint: string | null): never => {
    const where = displayName(path);
    throw new CipherconvError({
      code: 'usage',
      where,
      message,
      expected,
      ...(hint === null ? {} : { hint }),
    });
  };
  const listed =
    names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ` and ${names.length - NAMED} more` : '');
  if (name === undefined && layers.length !== 1)
    return refuse(`the model has ${layers.length} encrypted layers`, `--layer with one of ${listed}`, null);
  const layer = name === undefined ? layers[0] : layers.find((each) => each.name === name);
  if (layer !== undefined) return layer.spec;
  const refused = unsupported.find((node) => node.name === name);
  if (refused !== undefined)
    return refuse(`${JSON.stringify(name)} is not encrypted: ${refused.reason}`, listed, null);
  if (openLayers.some((each) => each.name === name))
    return refuse(`the weights of ${JSON.stringify(name)} are an input of the model`, listed, null);
  const near = nearest(name ?? '', names);
  return refuse(
    `there is no encrypted layer ${JSON.stringify(name)}`,
    listed,
    near === null ? null : `did you mean ${near}?`,
  );
}
