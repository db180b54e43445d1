/** Names of layers as far as there is room for them. */

/** More of a name is not looked at. */
const LONGEST = 4096;

const graphemes = new Intl.Segmenter();

function charactersOf(text: string): string[] {
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

/** The beginning of a text of at most `length` characters. */
export function shortened(text: string, length: number): string {
  const characters = charactersOf(text.slice(0, 4 * length + 64));
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

/**
 * Names of layers are paths that begin alike, so it is their end that tells them apart. TensorFlow names what it has fused by all
 * parts, joined by ";": the first is the layer's own, the last ones may be alike.
 */
export function shortenedName(text: string, length: number): string {
  const whole = charactersOf(text.slice(0, LONGEST));
  if (whole.length <= length) return text;
  const [own = ''] = text.split(';', 1);
  const characters = charactersOf((own === '' ? text : own).slice(-LONGEST));
  return characters.length <= length ? characters.join('') : `…${characters.slice(1 - length).join('')}`;
}
