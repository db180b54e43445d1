import { element, showAlert } from './elements.ts';
import type { ServedKind } from './messages.ts';
import { explain } from './troubles.ts';
import { say, Workbench } from './workbench.ts';
import type { State } from './workbench.ts';

/** The page of `cipherconv serve`: what the server has, and which of it is open. */

const plans = element('plan', HTMLSelectElement);
const again = element('list-again', HTMLButtonElement);

/** Where this page lies, and the server's paths beside it. */
const server = new URL('.', document.baseURI).href;

/** Which of what is served is a model, by digest. */
const kinds = new Map<string, ServedKind>();

let openings = 0;

const bench = new Workbench(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }), {
  onState: (state: State) => {
    plans.disabled = state === 'running' || plans.options.length === 0;
  },
  onTrouble: (trouble) => {
    if (trouble !== 'other') again.hidden = false;
    if (trouble === 'not-served') void listPlans();
  },
});

async function listPlans(): Promise<void> {
  const served = await bench.link.ask('list', { server });
  kinds.clear();
  for (const { digest, kind } of served) kinds.set(digest, kind);
  const options = served.map(({ digest, name, kind }) => {
    const what = kind === 'plan' ? '' : `${kind} `;
    return new Option(`${what}${name} (${digest.slice(0, 12)})`, digest);
  });
  const chosen = plans.value;
  plans.replaceChildren(...options);
  if (kinds.has(chosen)) plans.value = chosen;
  // Nothing is chosen for anybody: what was open is gone.
  else if (chosen !== '') plans.selectedIndex = -1;
}

/**
 * Only the opening begun last counts. The digest would not tell: whoever walks to a plan, on and back opens it twice,
 * and the answer to the first comes while the worker is still busy with the second.
 */
async function openPlan(digest: string): Promise<void> {
  const opening = ++openings;
  bench.opening();
  say('plan-status', 'Fetching the plan, loading SEAL, drawing a key.');
  try {
    const facts = await bench.link.ask('open', { server, digest, served: kinds.get(digest) ?? 'plan' });
    if (opening !== openings) return;
    say('plan-status', bench.opened(facts).ready);
    again.hidden = true;
  } catch (error) {
    if (opening !== openings) return;
    say('plan-status', '');
    bench.failed(error);
  }
}

/** Asks the server what it has, and opens what was chosen, or the first. */
async function start(): Promise<void> {
  try {
    await listPlans();
  } catch (error) {
    say('plan-status', '');
    again.hidden = false;
    showAlert('run-alert', `The server does not tell its plans.\n${explain(error)}`);
    return;
  }
  if (plans.selectedIndex === -1) plans.selectedIndex = 0;
  await openPlan(plans.value);
}

plans.addEventListener('change', () => void openPlan(plans.value));
again.addEventListener('click', () => void start());
void start();
