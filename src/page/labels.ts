import { clearAlert, element, setHidden, showAlert } from './elements.ts';

/** Names of classes, from a file that somebody has: one name a line. They stay in the browser. */

const namesByDigest = new Map<string, readonly string[]>();

/** What the scores shown want names for. */
let wanted: { readonly digest: string; readonly count: number; readonly redraw: () => void } | null = null;

/** A class a line; an empty line at the end is none. */
export function parseLabels(text: string): readonly string[] {
  return text
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim());
}

/** Names that were given for a model; null for none, or for another number of classes. */
export function classNames(digest: string, count: number): readonly string[] | null {
  const names = namesByDigest.get(digest);
  return names?.length === count ? names : null;
}

/** Offers to name the classes that are shown. */
export function expectNames(digest: string, count: number, redraw: () => void): void {
  wanted = { digest, count, redraw };
  setHidden(['labels-field'], false);
}

/** Nothing is shown that has names. */
export function forgetNames(): void {
  wanted = null;
  setHidden(['labels-field'], true);
  clearAlert('labels-alert');
}

/** Takes the names in a text file, for the model whose scores are shown. */
export async function takeLabels(file: File): Promise<void> {
  if (wanted === null) {
    showAlert('picture-alert', `${file.name}: names of classes are taken when scores are shown.`);
    return;
  }
  const { digest, count, redraw } = wanted;
  const names = parseLabels(await file.text());
  if (names.length !== count) {
    const found = `${names.length} name${names.length === 1 ? '' : 's'}`;
    showAlert('labels-alert', `${file.name}: ${found} for ${count} classes; expected one name a line.`);
    return;
  }
  clearAlert('labels-alert');
  namesByDigest.set(digest, names);
  redraw();
}

/** Listens to the field for such files. */
export function listenForLabels(): void {
  const field = element('labels-file', HTMLInputElement);
  field.addEventListener('change', () => {
    const file = field.files?.[0];
    if (file !== undefined) void takeLabels(file);
  });
}
