import type { Tensor } from '../../compiler/base/tensor.ts';
import { Camera, hasCamera } from './camera.ts';
import { Drawing } from './drawing.ts';
import { clearAlert, element, setHidden, setInert, showAlert, textOf } from './elements.ts';
import type { Facts, ModelFacts, PlanFacts, ServedKind, Step } from './messages.ts';
import { pictureExtents, takePicture } from './modelPicture.ts';
import { showModelFacts, showModelResult, showRound, showRounds } from './modelResults.ts';
import { preparePicture, showPrepared, sourceOf } from './picture.ts';
import type { Source } from './picture.ts';
import { addStep, showFacts, showResult, showVerdict } from './results.ts';
import { Cancelled, WorkerLink } from './workerLink.ts';

/** The page of `cipherconv serve`: what is chosen, what is ready, what is running. */

const plans = element('plan', HTMLSelectElement);
const sources = element('sources', HTMLFieldSetElement);
const pictureFile = element('picture-file', HTMLInputElement);
const configFile = element('config-file', HTMLInputElement);
const runButton = element('run', HTMLButtonElement);
const cancelButton = element('cancel', HTMLButtonElement);
const progress = element('progress', HTMLProgressElement);

/** What the page is busy with. */
type State = 'opening' | 'reading' | 'idle' | 'running';

/** Where this page lies, and the server's paths beside it. */
const server = new URL('.', document.baseURI).href;

let facts: Facts | null = null;
let source: Source | null = null;
let input: Tensor | null = null;
let state: State = 'opening';
let openings = 0;

/** Which of what is served is a model, by digest. */
const kinds = new Map<string, ServedKind>();

const link = new WorkerLink(
  (step) => {
    addStep(step);
    progress.value++;
    say('run-status', NEXT[step.name]);
  },
  (round) => {
    showRound(round);
    say('run-status', `Round ${round.round + 1}: ${round.received} answers of ${round.sent} layers sent.`);
  },
);

const NEXT: Readonly<Record<Step['name'], string>> = {
  encrypt: 'Encrypted. Waiting for the server.',
  'send keys': 'Evaluation keys sent. Waiting for the server.',
  'send and evaluate': 'The answer is here. Decrypting.',
  decrypt: 'Decrypted.',
};

const drawing = new Drawing(take);
const camera = new Camera(take, (text) => {
  showAlert('picture-alert', text);
});

function say(id: string, text: string): void {
  element(id, HTMLElement).textContent = text;
}

/**
 * What can be used now. Plans can be chosen while one opens: whoever walks through the list by keyboard would else lose
 * the focus at every step.
 */
function update(next: State): void {
  state = next;
  const isIdle = state === 'idle';
  plans.disabled = state === 'running' || plans.options.length === 0;
  sources.disabled = !isIdle || facts === null;
  pictureFile.disabled = sources.disabled;
  configFile.disabled = !isIdle;
  runButton.disabled = !isIdle || input === null;
  setInert(['drawing-panel', 'camera-panel'], sources.disabled);
  cancelButton.disabled = state !== 'running';
  element('run-title', HTMLElement)
    .closest('section')
    ?.setAttribute('aria-busy', String(state === 'running'));
}

async function listPlans(): Promise<void> {
  const served = await link.ask('list', { server });
  for (const { digest, kind } of served) kinds.set(digest, kind);
  const options = served.map(({ digest, name, kind }) => {
    const what = kind === 'model' ? 'model ' : '';
    return new Option(`${what}${name} (${digest.slice(0, 12)})`, digest);
  });
  plans.replaceChildren(...options);
}

/**
 * Only the opening begun last counts. The digest would not tell: whoever walks to a plan, on and back opens it twice,
 * and the answer to the first comes while the worker is still busy with the second.
 */
async function openPlan(digest: string): Promise<void> {
  const opening = ++openings;
  facts = null;
  forgetResult();
  update('opening');
  say('plan-status', 'Fetching the plan, loading SEAL, drawing a key.');
  try {
    const opened = await link.ask('open', { server, digest, served: kinds.get(digest) ?? 'plan' });
    if (opening !== openings) return;
    facts = opened;
    showOpened(opened);
    if (chosenSource() === 'drawing') drawing.changed();
    else if (source !== null) take(source);
  } catch (error) {
    if (opening !== openings) return;
    say('plan-status', '');
    element('plan-facts', HTMLElement).replaceChildren();
    showAlert('run-alert', `The plan cannot be used.\n${textOf(error)}`);
  }
  update('idle');
}

function showOpened(opened: Facts): void {
  setHidden(['compare'], opened.kind === 'model');
  if (opened.kind === 'model') {
    showModelFacts(opened);
    say(
      'plan-status',
      'Ready: the model was checked and holds no weights of its encrypted layers; the keys are new and only here.',
    );
    const size = pictureExtents(opened);
    if (size !== null) drawing.shape(size);
    return;
  }
  showFacts(opened);
  say('plan-status', 'Ready: the plan was checked and holds no weights; the key is new and only here.');
  drawing.shape(opened.shape.input);
}

/** Makes a picture the one that is sent, at the size and with the bits of the plan. */
function take(taken: Source): void {
  if (state === 'running') return;
  source = taken;
  input = null;
  forgetResult();
  clearAlert('picture-alert');
  if (facts === null) return;
  try {
    input = facts.kind === 'model' ? takePicture(taken, facts) : takeForPlan(taken, facts);
    say('run-status', 'Ready to encrypt.');
  } catch (error) {
    showAlert('picture-alert', textOf(error));
    say('run-status', 'Choose a picture first.');
  }
  setHidden(['previews', 'picture-note'], input === null);
  update('idle');
}

function takeForPlan(taken: Source, { shape }: PlanFacts): Tensor {
  const prepared = preparePicture(taken, shape);
  showPrepared(prepared, taken, shape);
  setHidden(['quantized-figure'], false);
  return prepared.tensor;
}

/** An old result beside a new picture would be a lie. */
function forgetResult(): void {
  setHidden(['result', 'wire', 'steps', 'progress', 'rounds', 'sides'], true);
  element('step-rows', HTMLElement).replaceChildren();
  clearAlert('run-alert');
  forgetVerdict();
}

function forgetVerdict(): void {
  const verdict = element('compare-status', HTMLElement);
  verdict.className = 'verdict';
  verdict.textContent = '';
  clearAlert('compare-alert');
}

async function run(): Promise<void> {
  if (input === null || facts === null) return;
  forgetResult();
  // A disabled button loses the focus: it goes to what can be used next, and back.
  const hadFocus = document.activeElement === runButton;
  update('running');
  if (hadFocus) cancelButton.focus();
  say('run-status', 'Encrypting.');
  try {
    await (facts.kind === 'model' ? runModel(input, facts) : runPlan(input, facts));
  } catch (error) {
    progress.hidden = true;
    if (error instanceof Cancelled) {
      say('run-status', 'Cancelled.');
    } else {
      say('run-status', 'No result.');
      showAlert('run-alert', textOf(error));
    }
  }
  const back = document.activeElement === cancelButton;
  update('idle');
  if (back) runButton.focus();
}

async function runPlan(tensor: Tensor, { evaluationKeyBytes }: PlanFacts): Promise<void> {
  progress.max = evaluationKeyBytes === 0 ? 3 : 4;
  progress.value = 0;
  progress.hidden = false;
  showResult(await link.ask('infer', { input: tensor }));
  setHidden(['result', 'wire'], false);
  progress.value = progress.max;
  say('run-status', 'Done.');
  if (configFile.files !== null && configFile.files.length > 0) await compare();
}

async function runModel(tensor: Tensor, model: ModelFacts): Promise<void> {
  showRounds(model);
  showModelResult(await link.ask('infer-model', { input: tensor }));
  setHidden(['result', 'wire'], false);
  say('run-status', 'Done.');
}

async function compare(): Promise<void> {
  forgetVerdict();
  const chosen = [...(configFile.files ?? [])];
  if (chosen.length === 0) return;
  say('compare-status', 'Convolving in the clear.');
  try {
    const files = await Promise.all(
      chosen.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
    );
    showVerdict(await link.ask('compare', { files }));
  } catch (error) {
    forgetVerdict();
    showAlert('compare-alert', textOf(error));
  }
}

function chosenSource(): string {
  return sources.querySelector<HTMLInputElement>('input:checked')?.value ?? 'file';
}

function chooseSource(): void {
  const chosen = chosenSource();
  for (const name of ['file', 'drawing', 'camera']) setHidden([`${name}-panel`], name !== chosen);
  if (chosen !== 'camera') camera.stop();
  if (chosen === 'drawing') drawing.changed();
}

async function takeFile(): Promise<void> {
  const file = pictureFile.files?.[0];
  if (file === undefined) return;
  update('reading');
  try {
    take(await sourceOf(file));
  } catch (error) {
    input = null;
    setHidden(['previews', 'picture-note'], true);
    showAlert('picture-alert', textOf(error));
    update('idle');
  }
}

async function start(): Promise<void> {
  element('camera-choice', HTMLElement).hidden = !hasCamera();
  plans.addEventListener('change', () => void openPlan(plans.value));
  sources.addEventListener('change', chooseSource);
  pictureFile.addEventListener('change', () => void takeFile());
  runButton.addEventListener('click', () => void run());
  cancelButton.addEventListener('click', () => {
    link.cancel();
  });
  configFile.addEventListener('change', () => void compare());
  try {
    await listPlans();
  } catch (error) {
    say('plan-status', '');
    showAlert('run-alert', `The server does not tell its plans.\n${textOf(error)}`);
    return;
  }
  await openPlan(plans.value);
}

void start();
