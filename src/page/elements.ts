/** The elements of index.html, by id and class: one that is missing is a bug of ours. */
export function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`internal: no ${kind.name} #${id}`);
}

export function setHidden(ids: readonly string[], isHidden: boolean): void {
  for (const id of ids) element(id, HTMLElement).hidden = isHidden;
}

/** Out of reach of pointers and keyboard. */
export function setInert(ids: readonly string[], isInert: boolean): void {
  for (const id of ids) element(id, HTMLElement).inert = isInert;
}

/** A new element with text in it. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  text: string,
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** Shows an error in one of the boxes for it. */
export function showAlert(id: string, text: string): void {
  const box = element(id, HTMLElement);
  box.textContent = text;
  box.hidden = false;
}

export function clearAlert(id: string): void {
  const box = element(id, HTMLElement);
  box.textContent = '';
  box.hidden = true;
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function context2d(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('this browser cannot draw on a canvas');
  return context;
}

/** Makes the canvas of the size of these RGBA pixels, and shows them. */
export function showPixels(
  canvas: HTMLCanvasElement,
  pixels: Uint8ClampedArray<ArrayBuffer>,
  width: number,
  height: number,
): void {
  canvas.width = width;
  canvas.height = height;
  context2d(canvas).putImageData(new ImageData(pixels, width, height), 0, 0);
}
