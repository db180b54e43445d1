import { element, setHidden, showAlert, clearAlert } from '../page/elements.ts';
import type { NamedFile, Run } from '../page/messages.ts';
import { formatInteger, formatMilliseconds } from '../page/pixels.ts';
import { namedFiles } from '../page/comparing.ts';
import { sampleSource } from '../page/samples.ts';
import { say, Workbench } from '../page/workbench.ts';
import { CompilerLink } from './compilerLink.ts';
import type { Choices } from './compiling.ts';
import { examples } from './examples.ts';
import { ReportFrame } from './reportFrame.ts';
import { ServerLink } from './serverLink.ts';
import { showAsked, showFindings, showLayers, showSections } from './showing.ts';
import { SERVER } from './wire.ts';
import type { Served } from './serving.ts';
import { unreadWeights } from './unreadWeights.ts';

/** The playground: an editor, the compiler, and both sides of a run, in one browser. */

const editor = element('config', HTMLTextAreaElement);
const example = element('example', HTMLSelectElement);
const lowering = element('lowering', HTMLSelectElement);
const protocol = element('protocol', HTMLSelectElement);
const fileField = element('open-file', HTMLInputElement);

/** How long somebody may pause while writing, milliseconds. */
const PAUSE_MS = 400;

const server = new ServerLink(showAsked);
const client = new Worker(new URL('./clientWorker.ts', import.meta.url), { type: 'module' });
const line = new MessageChannel();
client.postMessage(line.port1, [line.port1]);
server.connect(line.port2);

const bench = new Workbench(client, {
  onState: () => undefined,
  onTrouble: () => undefined,
  onResult: (facts, run) => {
    if (facts.kind === 'model') void compareModel(run);
  },
  onFiles: (files) => {
    const isOurs = files.some(({ name }) => /\.(json|npy|onnx|tflite)$/i.test(name));
    if (isOurs) void openFiles(files);
    return isOurs;
  },
});

/** A model that is open in place of the config. */
let model: NamedFile | null = null;
/** The .npy files that were opened with a config. */
let beside: readonly NamedFile[] = [];
let versions = 0;

const report = new ReportFrame();

const compiler = new CompilerLink({
  onLinted: (findings, layers) => {
    showFindings(findings, goTo);
    showLayers(layers);
  },
  onCompiled: (served, sections, ms) => {
    showSections(sections);
    void open(served, ms);
  },
  onProgress: (text) => {
    say('plan-status', text);
  },
  onReport: (html) => {
    report.show(html);
  },
  onRefused: (text) => {
    showAlert('compile-alert', text);
    element('plan-facts', HTMLElement).replaceChildren();
    showSections([]);
    editor.setAttribute('aria-invalid', String(model === null));
    say('plan-status', 'Not compiled.');
    say('run-status', 'There is no plan to run.');
  },
});

const main = (): NamedFile =>
  model ?? { name: 'filter.conv.json', bytes: new TextEncoder().encode(editor.value) };

function compile(): void {
  versions++;
  bench.opening();
  clearAlert('compile-alert');
  clearAlert('file-alert');
  report.clear();
  editor.setAttribute('aria-invalid', 'false');
  showLayers([]);
  element('findings', HTMLElement).replaceChildren();
  say('plan-status', 'Compiling.');
  const choices = { lowering: lowering.value, protocol: protocol.value } as Choices;
  compiler.compile({ main: main(), beside, choices });
}

/** Hands a plan to the server's worker, and opens it as a client. */
async function open(served: Served, ms: number): Promise<void> {
  const version = versions;
  try {
    say('plan-status', 'Compiled. The server prepares its weights.');
    await server.serve(served);
    const digest = served.kind === 'plan' ? served.stored.digest : served.digest;
    if (version !== versions) return;
    bench.compareWith(served.kind === 'plan' ? [main(), ...beside] : []);
    const facts = await bench.link.ask('open', { server: SERVER, digest, served: served.kind });
    if (version !== versions) return;
    bench.opened(facts);
    say('plan-status', `Ready: compiled and proved in ${formatMilliseconds(ms)}. The key is new.`);
  } catch (error) {
    if (version !== versions) return;
    say('plan-status', '');
    bench.failed(error);
  }
}

async function compareModel(run: Run): Promise<void> {
  setHidden(['compare'], false);
  say('compare-status', 'Running the network in the clear.');
  const verdict = element('compare-status', HTMLElement);
  try {
    const { outputs, mismatches, ms } = await compiler.compare(run);
    verdict.className = `verdict ${mismatches === 0 ? 'equal' : 'different'}`;
    const time = `run here in ${formatMilliseconds(ms)}`;
    verdict.textContent =
      mismatches === 0
        ? `All ${formatInteger(outputs)} outputs are equal to the network in integers in the clear, ${time}.`
        : `${formatInteger(mismatches)} of ${formatInteger(outputs)} outputs differ from the network in the clear.`;
  } catch (error) {
    say('compare-status', '');
    showAlert('compare-alert', error instanceof Error ? error.message : String(error));
  }
}

async function openFiles(files: readonly File[]): Promise<void> {
  const named = await namedFiles(files);
  const found = named.find(({ name }) => /\.(onnx|tflite)$/i.test(name)) ?? null;
  const config = named.find(({ name }) => /\.json$/i.test(name));
  const weights = named.filter(({ name }) => /\.npy$/i.test(name));
  beside = [...beside, ...weights];
  if (found !== null || config !== undefined) model = found;
  if (config !== undefined) editor.value = new TextDecoder().decode(config.bytes);
  const text = model === null ? editor.value : null;
  const unread = found === null && config === undefined ? unreadWeights(weights, text) : null;
  if (unread !== null) {
    // What was there stays as it is, a model too.
    showAlert('file-alert', unread);
    return;
  }
  showMain();
  compile();
}

/** The editor, or the name of a model. */
function showMain(): void {
  setHidden(['config-field'], model !== null);
  setHidden(['model-name'], model === null);
  say('model-name', model === null ? '' : `${model.name}, ${formatInteger(model.bytes.length)} bytes`);
}

function takeExample(): void {
  const chosen = all.find(({ name }) => name === example.value);
  if (chosen === undefined) return;
  model = null;
  editor.value = chosen.text;
  fileField.value = '';
  showMain();
  compile();
}

/** Puts the caret where a finding stands. */
function goTo(row: number, column: number): void {
  const before = editor.value.split('\n').slice(0, row - 1);
  const at = before.reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
  editor.focus();
  editor.setSelectionRange(at, at);
}

let pause = 0;
function compileSoon(): void {
  clearTimeout(pause);
  pause = setTimeout(compile, PAUSE_MS);
}

const all = examples();
example.replaceChildren(...all.map(({ name }) => new Option(name, name)));
example.addEventListener('change', takeExample);
lowering.addEventListener('change', compile);
protocol.addEventListener('change', compile);
editor.addEventListener('input', compileSoon);
fileField.addEventListener('change', () => void openFiles([...(fileField.files ?? [])]));
setHidden(['compare-choose'], true);
bench.begin(sampleSource('shapes'));
takeExample();
