import type { Tensor } from '../../compiler/base/tensor.ts';
import { element, make, setHidden } from './elements.ts';
import type { ModelFacts, ModelInferred, RoundState } from './messages.ts';
import { formatBytes, formatInteger, formatMilliseconds, pixelsOf, rangeOf } from './pixels.ts';
import { figure, noiseFigure, showChannels, showFactRows, showMessages } from './results.ts';

/** What people see of a model: what it is, how far it is, what came out. */

/** Scores that are shown, the largest first. */
const MOST_SCORES = 10;

const port = ({ type, shape }: ModelFacts['inputs'][number]): string =>
  `${type} [${shape?.join(', ') ?? 'any shape'}]`;

export function showModelFacts(facts: ModelFacts): void {
  const { inputs, outputs, rounds, clear, macs } = facts;
  const layers = rounds.flat().length;
  const share = macs.total === 0 ? 0 : Math.floor((100 * macs.encrypted) / macs.total);
  showFactRows([
    ['input', inputs.map(port).join('; ')],
    ['output', outputs.map(port).join('; ')],
    [
      'encrypted',
      `${layers} layer${layers === 1 ? '' : 's'} in ${rounds.length} round${rounds.length === 1 ? '' : 's'}`,
    ],
    ['multiplications', `${formatInteger(macs.encrypted)} under encryption, ${share} % of all`],
    ['linear layers computed here', clear.length === 0 ? 'none' : clear.join(', ')],
    ['model, SEAL and fresh keys', formatMilliseconds(facts.openMs)],
    ['model digest', facts.digest],
  ]);
}

/** A bar for each round, empty. */
export function showRounds({ rounds }: ModelFacts): void {
  const items = rounds.map((layers, round) => {
    const item = document.createElement('li');
    const bar = document.createElement('progress');
    const title = `round ${round + 1}: ${layers.join(', ')}`;
    bar.max = 2 * layers.length;
    bar.value = 0;
    bar.setAttribute('aria-label', title);
    item.append(make('span', title), bar, make('output', ''));
    return item;
  });
  element('rounds', HTMLElement).replaceChildren(...items);
  setHidden(['rounds'], false);
}

export function showRound({ round, sent, received, ms, bytesUp, bytesDown }: RoundState): void {
  const item = element('rounds', HTMLElement).children[round];
  const [bar, text] = [item?.querySelector('progress'), item?.querySelector('output')];
  if (bar == null || text == null) return;
  bar.value = sent + received;
  text.textContent = `${formatBytes(bytesUp)} up, ${formatBytes(bytesDown)} down, ${formatMilliseconds(ms)}`;
}

export function showModelResult({ output, layer, upload, response, ms }: ModelInferred): void {
  const note = element('result-note', HTMLElement);
  const sides = element('sides', HTMLElement);
  const scaled = element('scaled', HTMLCanvasElement);
  const input = document.createElement('canvas');
  input.width = scaled.width;
  input.height = scaled.height;
  input.getContext('2d')?.drawImage(scaled, 0, 0);
  sides.replaceChildren(
    captioned(input, 'input, which stays here'),
    noiseFigure(upload, `encrypted for ${layer}: what the server sees`),
  );
  note.textContent = `Computed in ${formatMilliseconds(ms)}.`;
  element('channels', HTMLElement).replaceChildren();
  setHidden(['sides'], false);
  const picture = pictureOut(output);
  if (picture !== null) sides.append(picture);
  else if (output.shape.length === 4 && !isVector(output)) showChannels(output);
  else sides.append(scores(output));
  showMessages(upload, response);
}

function captioned(canvas: HTMLCanvasElement, text: string): HTMLElement {
  const made = document.createElement('figure');
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', text);
  made.append(canvas, make('figcaption', text));
  return made;
}

const isVector = ({ shape }: Tensor): boolean => shape.filter((extent) => extent > 1).length <= 1;

/** The output as a picture where it is like one: one or three planes of some size. */
function pictureOut(output: Tensor): HTMLElement | null {
  const [batch, channels = 0, height = 0, width = 0] = output.shape;
  const isPicture = output.shape.length === 4 && batch === 1 && (channels === 1 || channels === 3);
  if (!isPicture || height < 2 || width < 2) return null;
  const planes = Array.from({ length: channels }, (_, channel) =>
    output.data.subarray(channel * height * width, (channel + 1) * height * width),
  );
  const range = rangeOf(output.data);
  const text = `output: ${width} x ${height}, ${short(range.low)} to ${short(range.high)}`;
  return figure(text, pixelsOf(planes, range), width, height);
}

/** The largest values with their index, as bars. */
function scores({ data }: Tensor): HTMLElement {
  const list = document.createElement('ol');
  list.id = 'scores';
  list.className = 'bars';
  const sorted = Array.from(data, (value, index) => ({ value, index })).sort(
    (left, right) => right.value - left.value || left.index - right.index,
  );
  const { low, high } = rangeOf(data);
  const rows = sorted.slice(0, MOST_SCORES).map(({ value, index }) => {
    const row = document.createElement('li');
    const bar = document.createElement('span');
    bar.className = 'bar';
    bar.style.setProperty('--share', String(high > low ? (value - low) / (high - low) : 1));
    const score = make('output', short(value));
    // Every digit, for whoever wants to compare.
    score.title = String(value);
    row.append(make('span', `class ${index}`), bar, score);
    return row;
  });
  list.replaceChildren(...rows);
  const made = document.createElement('figure');
  const more = data.length > MOST_SCORES ? `, the largest ${MOST_SCORES} of ${data.length}` : '';
  made.className = 'score-figure';
  made.append(list, make('figcaption', `output: scores by class${more}`));
  return made;
}

/** Seven digits: what a float32 holds. */
function short(value: number): string {
  return String(Number(value.toPrecision(7)));
}
