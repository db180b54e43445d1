import { textOf } from './elements.ts';
import type { Trouble } from './messages.ts';
import { Failed } from './workerLink.ts';

/** What people can do when something went wrong. Whatever they had stays: picture, drawing, config, results. */
const ADVICE: Readonly<Record<Trouble, string>> = {
  'lost-server':
    'The server does not answer. Nothing is lost: when it runs again, or the network is back, try again.',
  'not-served':
    'The server no longer has this plan: it was started again with others. Nothing is lost: choose one of those that it has now.',
  other: '',
};

export function troubleOf(error: unknown): Trouble {
  return error instanceof Failed ? error.trouble : 'other';
}

/** Advice first, then what exactly happened. */
export function explain(error: unknown): string {
  const advice = ADVICE[troubleOf(error)];
  return advice === '' ? textOf(error) : `${advice}\n${textOf(error)}`;
}
