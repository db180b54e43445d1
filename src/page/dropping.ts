import { element } from './elements.ts';

/** Files that are dropped or pasted anywhere on the page. */
export function listenForFiles(onFiles: (files: readonly File[]) => void): void {
  const { body } = document;
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
  addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    body.classList.add('dropping');
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) body.classList.remove('dropping');
  });
  addEventListener('drop', (event) => {
    body.classList.remove('dropping');
    if (!hasFiles(event)) return;
    event.preventDefault();
    onFiles([...(event.dataTransfer?.files ?? [])]);
  });
  addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    onFiles(files);
  });
}

/** What a file is for, by its name. */
export type FileUse = 'picture' | 'config' | 'labels';

export function useOf(name: string): FileUse {
  if (/\.(json|npy)$/i.test(name)) return 'config';
  return /\.txt$/i.test(name) ? 'labels' : 'picture';
}

/** Puts files into a field for them, as if they had been chosen there. */
export function choose(id: string, files: readonly File[]): void {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  const field = element(id, HTMLInputElement);
  if (field.disabled) return;
  field.files = transfer.files;
  field.dispatchEvent(new Event('change'));
}
