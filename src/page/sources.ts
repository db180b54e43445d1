import { Camera, hasCamera } from './camera.ts';
import { Drawing } from './drawing.ts';
import { element, setHidden, setInert } from './elements.ts';
import type { PictureExtents } from './view.ts';
import type { Source } from './picture.ts';
import { offerSamples } from './samples.ts';

/** Where pictures come from: samples, files, the drawing area, the camera. */
export class Sources {
  readonly #tabs = element('sources', HTMLFieldSetElement);
  readonly #file = element('picture-file', HTMLInputElement);
  readonly #drawing: Drawing;
  readonly #camera: Camera;

  /**
   * @param onPicture told of every picture that somebody chose, drew or took
   * @param onFile told of a file that somebody chose
   * @param onError told in words for people
   */
  constructor(
    onPicture: (source: Source) => void,
    onFile: (file: File) => void,
    onError: (text: string) => void,
  ) {
    this.#drawing = new Drawing(onPicture);
    this.#camera = new Camera(onPicture, onError);
    offerSamples((source) => {
      this.#file.value = '';
      onPicture(source);
    });
    element('camera-choice', HTMLElement).hidden = !hasCamera();
    this.#tabs.addEventListener('change', () => {
      this.#show();
    });
    this.#file.addEventListener('change', () => {
      const file = this.#file.files?.[0];
      if (file !== undefined) onFile(file);
    });
  }

  set disabled(isDisabled: boolean) {
    this.#tabs.disabled = isDisabled;
    this.#file.disabled = isDisabled;
    setInert(['samples', 'drawing-panel', 'camera-panel'], isDisabled);
  }

  /** Gives the drawing area the proportions of what is open. */
  fit(extents: PictureExtents): void {
    this.#drawing.shape(extents);
  }

  /** Hands on what is drawn, where drawing is chosen: another plan takes it in other proportions. */
  drawAgain(): boolean {
    const isDrawing = this.#chosen() === 'drawing';
    if (isDrawing) this.#drawing.changed();
    return isDrawing;
  }

  #chosen(): string {
    return this.#tabs.querySelector<HTMLInputElement>('input:checked')?.value ?? 'file';
  }

  #show(): void {
    const chosen = this.#chosen();
    for (const name of ['file', 'drawing', 'camera']) setHidden([`${name}-panel`], name !== chosen);
    if (chosen !== 'camera') this.#camera.stop();
    if (chosen === 'drawing') this.#drawing.changed();
  }
}
