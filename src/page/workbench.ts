import type { Tensor } from '../../compiler/base/tensor.ts';
import { Comparing, namedFiles } from './comparing.ts';
import { choose, listenForFiles, useOf } from './dropping.ts';
import { clearAlert, element, setHidden, showAlert, textOf } from './elements.ts';
import { forgetNames, listenForLabels, takeLabels } from './labels.ts';
import type { Facts, NamedFile, Run, Step, Trouble } from './messages.ts';
import { showRound } from './modelResults.ts';
import type { Source } from './picture.ts';
import { sourceOf } from './reading.ts';
import { addStep } from './results.ts';
import { Sources } from './sources.ts';
import { explain, troubleOf } from './troubles.ts';
import type { Result, View } from './view.ts';
import { Viewer } from './viewer.ts';
import { viewOf } from './views.ts';
import { Cancelled, WorkerLink } from './workerLink.ts';

/** What the page is busy with. */
export type State = 'opening' | 'reading' | 'idle' | 'running';

/** Whom the workbench tells. */
export interface Listener {
  readonly onState: (state: State) => void;
  readonly onTrouble: (trouble: Trouble) => void;
  /** Told of every result that is shown, with what is open. */
  readonly onResult?: (facts: Facts, run: Run) => void;
  /** Takes files that were dropped or pasted, and says whether it did. */
  readonly onFiles?: (files: readonly File[]) => boolean;
}

const NEXT: Readonly<Record<Step['name'], string>> = {
  encrypt: 'Encrypted. Waiting for the server.',
  'send keys': 'Evaluation keys sent. Waiting for the server.',
  'send and evaluate': 'The answer is here. Decrypting.',
  'measure noise': 'The answer is here. Decrypting.',
  decrypt: 'Decrypted.',
};

/** A result, and of which input it is. */
interface Kept {
  readonly input: Tensor;
  readonly result: Result;
}

/** From a picture to its result, whatever is open: what is chosen, what is ready, what is running. */
export class Workbench {
  readonly link: WorkerLink;
  readonly #listener: Listener;
  readonly #viewer = new Viewer();
  readonly #comparing: Comparing;
  readonly #sources: Sources;
  readonly #run = element('run', HTMLButtonElement);
  readonly #cancel = element('cancel', HTMLButtonElement);
  readonly #configFile = element('config-file', HTMLInputElement);
  readonly #progress = element('progress', HTMLProgressElement);
  /** The last result of everything that was open: who comes back to it with the same picture finds it. */
  readonly #kept = new Map<string, Kept>();
  #view: View | null = null;
  #source: Source | null = null;
  #input: Tensor | null = null;
  #state: State = 'opening';

  /** @param worker the client's side */
  constructor(worker: Worker, listener: Listener) {
    this.#listener = listener;
    this.link = new WorkerLink(
      worker,
      (step) => {
        addStep(step);
        this.#progress.value++;
        say('run-status', NEXT[step.name]);
      },
      (round) => {
        showRound(round);
        const { received, sent } = round;
        say('run-status', `Round ${round.round + 1}: ${received} answers of ${sent} layers sent.`);
      },
    );
    this.#comparing = new Comparing(this.link, this.#viewer);
    this.#sources = new Sources(
      (source) => {
        this.#take(source);
      },
      (file) => void this.#takeFile(file),
      (text) => {
        showAlert('picture-alert', text);
      },
    );
    this.#run.addEventListener('click', () => void this.run());
    this.#cancel.addEventListener('click', () => {
      this.link.cancel();
    });
    this.#configFile.addEventListener('change', () => void this.#takeConfig());
    listenForLabels();
    listenForFiles((files) => {
      this.#takeDropped(files);
    });
  }

  /** Something else is being opened: until then nothing can be run. */
  opening(): void {
    this.#view = null;
    this.#input = null;
    this.#forgetResult();
    this.#update('opening');
  }

  /** Something is open; the picture that was there is made its input. */
  opened(facts: Facts): View {
    const view = viewOf(facts);
    this.#view = view;
    view.showFacts();
    if (view.extents !== null) this.#sources.fit(view.extents);
    this.#update('idle');
    if (!this.#sources.drawAgain() && this.#source !== null) this.#take(this.#source);
    return view;
  }

  /** It could not be opened. */
  failed(error: unknown): void {
    element('plan-facts', HTMLElement).replaceChildren();
    showAlert('run-alert', `The plan cannot be used.\n${explain(error)}`);
    this.#update('idle');
    this.#listener.onTrouble(troubleOf(error));
  }

  /** A picture to begin with, where nobody has chosen one. */
  begin(source: Source): void {
    this.#source ??= source;
  }

  /** What results are compared with from now on. */
  compareWith(files: readonly NamedFile[]): void {
    this.#comparing.take(files);
  }

  /** Encrypts, has the server evaluate, decrypts, shows. */
  async run(): Promise<void> {
    const [input, view] = [this.#input, this.#view];
    if (input === null || view === null || this.#state === 'running') return;
    this.#forgetResult();
    // A disabled button loses the focus: it goes to what can be used next, and back.
    const hadFocus = document.activeElement === this.#run;
    this.#update('running');
    if (hadFocus) this.#cancel.focus();
    say('run-status', 'Encrypting.');
    try {
      const result = await view.run(this.link, input);
      this.#kept.set(view.facts.digest, { input, result });
      say('run-status', 'Done.');
      await this.#show(view.facts, result);
    } catch (error) {
      this.#progress.hidden = true;
      say('run-status', error instanceof Cancelled ? 'Cancelled.' : 'No result.');
      if (!(error instanceof Cancelled)) {
        showAlert('run-alert', explain(error));
        this.#listener.onTrouble(troubleOf(error));
      }
      this.#showKept(view, 'No new result; this is the one of this picture and plan, from before.');
    }
    const back = document.activeElement === this.#cancel;
    this.#update('idle');
    if (back) this.#run.focus();
  }

  async #show(facts: Facts, { show, run, hasConfig }: Result): Promise<void> {
    setHidden(['result', 'wire'], false);
    setHidden(['compare'], !hasConfig);
    show(this.#viewer);
    this.#listener.onResult?.(facts, run);
    if (hasConfig) await this.#comparing.compare(run);
  }

  /**
   * What can be used now. Plans can be chosen while one opens: whoever walks through the list by keyboard would else lose
   * the focus at every step.
   */
  #update(next: State): void {
    this.#state = next;
    const isIdle = next === 'idle';
    this.#sources.disabled = !isIdle || this.#view === null;
    this.#configFile.disabled = !isIdle;
    this.#run.disabled = !isIdle || this.#input === null;
    this.#cancel.disabled = next !== 'running';
    element('run-title', HTMLElement)
      .closest('section')
      ?.setAttribute('aria-busy', String(next === 'running'));
    this.#listener.onState(next);
  }

  /** Makes a picture the one that is sent, at the size and with the bits of what is open. */
  #take(source: Source): void {
    if (this.#state === 'running') return;
    this.#source = source;
    this.#input = null;
    this.#forgetResult();
    clearAlert('picture-alert');
    const view = this.#view;
    if (view === null) return;
    try {
      this.#input = view.take(source);
      say('run-status', 'Ready to encrypt.');
    } catch (error) {
      showAlert('picture-alert', textOf(error));
      say('run-status', 'Choose a picture first.');
    }
    setHidden(['previews', 'picture-note'], this.#input === null);
    this.#update('idle');
    this.#showKept(view, 'The result of this picture and plan, from before.');
  }

  /** The same plan and picture as before: the result is there already. */
  #showKept({ facts }: View, note: string): void {
    const kept = this.#kept.get(facts.digest);
    if (kept === undefined || this.#input === null || !isEqual(kept.input, this.#input)) return;
    say('run-status', note);
    void this.#show(facts, kept.result);
  }

  async #takeFile(file: File): Promise<void> {
    this.#update('reading');
    try {
      const source = await sourceOf(file);
      this.#update('idle');
      this.#take(source);
    } catch (error) {
      // The picture that was there stays, and with it what came of it.
      showAlert('picture-alert', textOf(error));
      this.#update('idle');
    }
  }

  async #takeConfig(): Promise<void> {
    this.#comparing.take(await namedFiles([...(this.#configFile.files ?? [])]));
    const digest = this.#view?.facts.digest ?? '';
    const result = this.#kept.get(digest)?.result;
    if (result?.hasConfig === true && !element('result', HTMLElement).hidden)
      await this.#comparing.compare(result.run);
    else this.#comparing.forget();
  }

  #takeDropped(files: readonly File[]): void {
    const [first] = files;
    if (first === undefined || this.#state === 'running') return;
    if (this.#listener.onFiles?.(files) === true || this.#state !== 'idle') return;
    const configs = files.filter(({ name }) => useOf(name) === 'config');
    if (configs.length > 0) choose('config-file', configs);
    else if (useOf(first.name) === 'labels') void takeLabels(first);
    else void this.#takeFile(first);
  }

  /** An old result beside a new picture would be a lie. */
  #forgetResult(): void {
    setHidden(['result', 'wire', 'steps', 'progress', 'rounds', 'sides'], true);
    element('step-rows', HTMLElement).replaceChildren();
    clearAlert('run-alert');
    forgetNames();
    this.#viewer.hide();
    this.#comparing.forget();
  }
}

export function say(id: string, text: string): void {
  element(id, HTMLElement).textContent = text;
}

function isEqual(left: Tensor, right: Tensor): boolean {
  return left.shape.join() === right.shape.join() && left.data.every((value, at) => value === right.data[at]);
}
