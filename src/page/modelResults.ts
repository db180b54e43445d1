import type { Tensor } from '../../compiler/base/tensor.ts';
import { element, make, setHidden } from './elements.ts';
import { classNames, expectNames } from './labels.ts';
import type { ModelFacts, RoundState } from './messages.ts';
import { formatBytes, formatInteger, formatMilliseconds, rangeOf } from './pixels.ts';
import { shortNumber } from './planes.ts';
import { showFactRows } from './results.ts';

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

export function showRound({ round, sent, received, ms, serverMs, bytesUp, bytesDown }: RoundState): void {
  const item = element('rounds', HTMLElement).children[round];
  const [bar, text] = [item?.querySelector('progress'), item?.querySelector('output')];
  if (bar == null || text == null) return;
  bar.value = sent + received;
  text.textContent = `${formatBytes(bytesUp)} up, ${formatBytes(bytesDown)} down, ${formatMilliseconds(ms)}${serverMs > 0 ? `, the server ${formatMilliseconds(serverMs)} of it` : ''}`;
}

/** The largest values with their class, as bars, in place of those that were shown before. */
export function showScores({ data }: Tensor, digest: string): void {
  const names = classNames(digest, data.length);
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
    const score = make('output', shortNumber(value));
    // Every digit, for whoever wants to compare.
    score.title = String(value);
    row.append(make('span', names?.[index] ?? `class ${index}`), bar, score);
    return row;
  });
  list.replaceChildren(...rows);
  const made = document.createElement('figure');
  const more = data.length > MOST_SCORES ? `, the largest ${MOST_SCORES} of ${data.length}` : '';
  made.className = 'score-figure';
  made.append(list, make('figcaption', `output: scores by class${more}`));
  const sides = element('sides', HTMLElement);
  sides.querySelector('.score-figure')?.remove();
  sides.append(made);
  expectNames(digest, data.length, () => {
    showScores({ shape: [data.length], data }, digest);
  });
}
