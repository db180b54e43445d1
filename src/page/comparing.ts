import { clearAlert, element, showAlert, textOf } from './elements.ts';
import type { NamedFile, Run } from './messages.ts';
import { showVerdict } from './results.ts';
import type { Viewer } from './viewer.ts';
import type { WorkerLink } from './workerLink.ts';

/** Whether a result is right, by the filter's config that somebody has. */
export class Comparing {
  readonly #link: WorkerLink;
  readonly #viewer: Viewer;
  #files: readonly NamedFile[] = [];

  constructor(link: WorkerLink, viewer: Viewer) {
    this.#link = link;
    this.#viewer = viewer;
  }

  /** Whether there is something to compare with. */
  get isPossible(): boolean {
    return this.#files.length > 0;
  }

  /** Takes a config and the .npy files that it names; they serve later runs too. */
  take(files: readonly NamedFile[]): void {
    this.#files = files;
  }

  /** Convolves in the clear, in the worker, and shows what differs. */
  async compare(run: Run): Promise<void> {
    this.forget();
    if (!this.isPossible) return;
    element('compare-status', HTMLElement).textContent = 'Convolving in the clear.';
    try {
      const compared = await this.#link.ask('compare', { run, files: this.#files });
      showVerdict(compared);
      this.#viewer.compareTo(compared.expected);
    } catch (error) {
      this.forget();
      showAlert('compare-alert', textOf(error));
    }
  }

  /** What was said of another result. */
  forget(): void {
    const verdict = element('compare-status', HTMLElement);
    verdict.className = 'verdict';
    verdict.textContent = '';
    clearAlert('compare-alert');
    this.#viewer.compareTo(null);
  }
}

/** Files with their bytes: browsers tell names, not folders. */
export function namedFiles(files: readonly File[]): Promise<NamedFile[]> {
  return Promise.all(
    files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
  );
}
