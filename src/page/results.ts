import { element, make, showPixels } from './elements.ts';
import type { Compared, Excerpt, PlanFacts, Step } from './messages.ts';
import { formatBytes, formatInteger, formatMilliseconds, hexLines, noisePixels } from './pixels.ts';

/** What people see of plans, steps, outputs and messages. */

const NOISE_SIDE = 128;

export function showFacts(facts: PlanFacts): void {
  const { shape, output } = facts;
  const { input, weights } = shape;
  showFactRows([
    [
      'input',
      `${input.width} x ${input.height}, ${input.channels} channel${input.channels === 1 ? '' : 's'} of ${input.bits} bits`,
    ],
    [
      'filter',
      `${weights.outChannels} x ${weights.kernelHeight} x ${weights.kernelWidth}, ${facts.lowering} lowering`,
    ],
    [
      'output',
      `${output.width} x ${output.height}, ${output.channels} channel${output.channels === 1 ? '' : 's'}`,
    ],
    [
      'cryptography',
      `BFV, N = ${facts.degree}, t = ${facts.plainModulus}, q of ${facts.modulusBits.join(' + ')} bits`,
    ],
    ['security', `${facts.securityBits} bits, classical`],
    ['each request', `${formatBytes(facts.uploadBytes)} up, ${formatBytes(facts.responseBytes)} down`],
    ['plan, SEAL and a fresh key', formatMilliseconds(facts.openMs)],
    ['plan digest', facts.digest],
  ]);
}

/** Names and values; the last one has a line of its own. */
export function showFactRows(rows: readonly (readonly [string, string])[]): void {
  element('plan-facts', HTMLElement).replaceChildren(
    ...rows.map(([name, value]) => {
      const pair = document.createElement('div');
      pair.append(make('dt', name), make('dd', value));
      return pair;
    }),
  );
}

/** Rows of the table: one a step, two where the server told its share. */
export function stepRows({
  name,
  ms,
  bytesUp,
  bytesDown,
  serverMs,
}: Step): readonly (readonly [string, ...string[]])[] {
  const bytes = (count: number): string => (count === 0 ? '' : formatBytes(count));
  const traffic = [bytes(bytesUp), bytes(bytesDown)];
  if (name === 'send keys') return [[name, 'network', formatMilliseconds(ms), ...traffic]];
  if (name !== 'send and evaluate') return [[name, 'your browser', formatMilliseconds(ms), ...traffic]];
  if (serverMs === null || serverMs > ms)
    return [[name, 'network and server', formatMilliseconds(ms), ...traffic]];
  return [
    ['send and receive', 'network', formatMilliseconds(ms - serverMs), ...traffic],
    ['evaluate', 'server', formatMilliseconds(serverMs), '', ''],
  ];
}

export function addStep(step: Step): void {
  for (const [name, ...texts] of stepRows(step)) {
    const row = document.createElement('tr');
    const head = make('th', name);
    head.scope = 'row';
    row.append(head, ...texts.map((text) => make('td', text)));
    element('step-rows', HTMLElement).append(row);
  }
  element('steps', HTMLElement).hidden = false;
}

/** What is left of the noise budget; nothing where it is not known. */
export function showNoise(budgetBits: number | null): void {
  const text =
    budgetBits === null
      ? ''
      : `Noise budget left: ${budgetBits} bit${budgetBits === 1 ? '' : 's'}, measured here with your key. Below 0 the integers would be wrong.`;
  element('noise-note', HTMLElement).textContent = text;
}

/** The two messages of an exchange. */
export function showMessages(upload: Excerpt, response: Excerpt): void {
  element('messages', HTMLElement).replaceChildren(
    message('Sent: the encrypted picture', upload),
    message('Received: the encrypted result', response),
  );
}

/** A canvas with a text below it, which screen readers get too. */
export function figureOf(canvas: HTMLCanvasElement, text: string): HTMLElement {
  const made = document.createElement('figure');
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', text);
  made.append(canvas, make('figcaption', text));
  return made;
}

/** The ciphertext of a message as a picture, one byte a pixel. */
export function noiseFigure({ length, bytes, headerBytes }: Excerpt, title: string | null): HTMLElement {
  const body = bytes.subarray(headerBytes);
  const side = Math.min(NOISE_SIDE, Math.ceil(Math.sqrt(body.length)));
  const shown = Math.min(body.length, side * side);
  const part = shown === length - headerBytes ? 'all of it' : `the first ${formatBytes(shown)}`;
  const caption = title === null ? part : `${title} (${part})`;
  const canvas = document.createElement('canvas');
  showPixels(canvas, noisePixels(body, { width: side, height: side }), side, side);
  return figureOf(canvas, caption);
}

/** A message: its first bytes, header apart, and the ciphertext as a picture. */
function message(title: string, excerpt: Excerpt): HTMLElement {
  const { length, bytes, headerBytes } = excerpt;
  const made = document.createElement('div');
  made.className = 'message';
  const text = document.createElement('pre');
  text.tabIndex = 0;
  text.setAttribute('role', 'group');
  text.setAttribute('aria-label', `${title}, first bytes in hexadecimal`);
  const header = make('span', hexLines(bytes.subarray(0, headerBytes), 0, 4));
  header.className = 'header';
  text.append(header, '\n', hexLines(bytes, headerBytes, 6));
  if (length > headerBytes + 96) text.append('\n...');
  made.append(make('h3', `${title}, ${formatBytes(length)}`), noiseFigure(excerpt, null), text);
  return made;
}

export function showVerdict({ outputs, mismatches, first, ms }: Compared): void {
  const verdict = element('compare-status', HTMLElement);
  verdict.className = `verdict ${mismatches === 0 ? 'equal' : 'different'}`;
  const time = `done here in ${formatMilliseconds(ms)}`;
  verdict.textContent =
    first === null
      ? `All ${formatInteger(outputs)} integers are equal to the convolution in the clear, ${time}.`
      : `${formatInteger(mismatches)} of ${formatInteger(outputs)} integers differ from this filter's convolution; ` +
        `the first is number ${first.index}: ${first.actual} came back, ${first.expected} was expected. The convolution in the clear was ${time}.`;
}
