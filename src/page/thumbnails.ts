import type { Tensor } from '../../compiler/base/tensor.ts';
import { element, make, showPixels } from './elements.ts';
import { planePixels, rangeOf } from './pixels.ts';
import { planeOf, shortNumber, sizeOf } from './planes.ts';

/** Channels that are shown small; all can be chosen from the list. */
const MOST = 16;

/**
 * Every channel of an output as a small picture that chooses it; none for a single one.
 * @param onChoose told which channel somebody wants to see
 */
export function showThumbnails(output: Tensor, chosen: number, onChoose: (channel: number) => void): void {
  const list = element('channels', HTMLElement);
  const { channels } = sizeOf(output);
  const count = channels === 1 ? 0 : Math.min(channels, MOST);
  const hadFocus = list.contains(document.activeElement);
  const buttons = Array.from({ length: count }, (_, channel) => {
    const button = thumbnail(output, channel);
    button.setAttribute('aria-pressed', String(channel === chosen));
    button.addEventListener('click', () => {
      onChoose(channel);
    });
    return button;
  });
  list.replaceChildren(...buttons);
  if (hadFocus) buttons[chosen]?.focus();
}

function thumbnail(output: Tensor, channel: number): HTMLButtonElement {
  const { height, width } = sizeOf(output);
  const plane = planeOf(output, channel);
  const range = rangeOf(plane);
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'thumbnail';
  const canvas = document.createElement('canvas');
  showPixels(canvas, planePixels(plane, range), width, height);
  const text = `channel ${channel}: ${shortNumber(range.low)} to ${shortNumber(range.high)}`;
  button.append(canvas, make('span', text));
  return button;
}
