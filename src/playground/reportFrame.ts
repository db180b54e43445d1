import { element, setHidden } from '../page/elements.ts';
import { offerDownloads } from '../page/downloads.ts';

/** The report, in a frame of its own that reaches nothing of this page; it is drawn when somebody opens it. */
export class ReportFrame {
  readonly #details = element('report', HTMLDetailsElement);
  readonly #frame = element('report-frame', HTMLIFrameElement);
  #html = '';

  constructor() {
    this.#details.addEventListener('toggle', () => {
      this.#draw();
    });
  }

  clear(): void {
    this.#html = '';
    setHidden(['report'], true);
  }

  show(html: string): void {
    this.#html = html;
    setHidden(['report'], false);
    const blob = (): Promise<Blob> => Promise.resolve(new Blob([html], { type: 'text/html' }));
    offerDownloads('report-downloads', [{ name: 'report.html', blob }]);
    this.#draw();
  }

  #draw(): void {
    if (this.#details.open && this.#frame.srcdoc !== this.#html) this.#frame.srcdoc = this.#html;
  }
}
