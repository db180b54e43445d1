import { element } from './elements.ts';
import type { Source } from './picture.ts';

/** Browsers give pages a camera only over https or on this machine. */
export function hasCamera(): boolean {
  // Not there at all on plain http, whatever the types say.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  return isSecureContext && devices?.getUserMedia !== undefined;
}

/** The camera: started and stopped by the user, its pictures taken one by one. */
export class Camera {
  readonly #video = element('camera', HTMLVideoElement);
  readonly #start = element('camera-start', HTMLButtonElement);
  readonly #take = element('camera-take', HTMLButtonElement);
  #stream: MediaStream | null = null;

  constructor(onPicture: (source: Source) => void, onError: (text: string) => void) {
    this.#start.addEventListener('click', () => {
      if (this.#stream !== null) {
        this.stop();
        return;
      }
      this.#begin().catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        onError(`The camera cannot be used: ${reason}`);
      });
    });
    this.#take.addEventListener('click', () => {
      createImageBitmap(this.#video).then(
        (image) => {
          onPicture({ name: 'camera', image, width: image.width, height: image.height });
        },
        () => {
          onError('The camera has not given a picture yet; try again.');
        },
      );
    });
  }

  async #begin(): Promise<void> {
    this.#stream = await navigator.mediaDevices.getUserMedia({ video: true });
    this.#video.srcObject = this.#stream;
    await this.#video.play();
    this.#take.disabled = false;
    this.#start.textContent = 'Stop camera';
  }

  stop(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
    this.#take.disabled = true;
    this.#start.textContent = 'Start camera';
  }
}
