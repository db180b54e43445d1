import type { Tensor } from '../../compiler/base/tensor.ts';
import { encodeNpy, encodeNpyFloats } from '../frontend/npy.ts';
import { inLayout } from '../frontend/layouts.ts';
import type { TensorLayout } from '../client/index.ts';
import { element } from './elements.ts';

/** Something that can be saved, made when it is asked for. */
export interface Download {
  readonly name: string;
  readonly blob: () => Promise<Blob>;
}

/** A tensor (NCHW) as the command line writes it: integers as int32 or int64, others as float32, axes in the plan's order. */
function npyOf(tensor: Tensor, layout: TensorLayout): Uint8Array {
  const outside = tensor.shape.length === 4 ? inLayout(tensor, layout) : tensor;
  return tensor.data.every((value) => Number.isSafeInteger(value))
    ? encodeNpy(outside)
    : encodeNpyFloats(outside);
}

export function npyDownload(name: string, tensor: Tensor, layout: TensorLayout): Download {
  const blob = (): Promise<Blob> =>
    Promise.resolve(new Blob([npyOf(tensor, layout) as Uint8Array<ArrayBuffer>]));
  return { name: `${name}.npy`, blob };
}

/** What a canvas shows, pixel by pixel. */
export function pngDownload(name: string, canvas: HTMLCanvasElement): Download {
  const blob = (): Promise<Blob> =>
    new Promise((resolve, reject) => {
      canvas.toBlob((made) => {
        if (made === null) reject(new Error('this browser made no PNG'));
        else resolve(made);
      }, 'image/png');
    });
  return { name: `${name}.png`, blob };
}

/** One button a file, in the element of that id. */
export function offerDownloads(id: string, downloads: readonly Download[]): void {
  const buttons = downloads.map(({ name, blob }) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = name;
    button.addEventListener('click', () => void save(name, blob));
    return button;
  });
  element(id, HTMLElement).replaceChildren(...buttons);
}

async function save(name: string, blob: Download['blob']): Promise<void> {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await blob());
  link.download = name;
  link.click();
  // The browser has taken what it needs when the next task runs.
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, 60_000);
}
