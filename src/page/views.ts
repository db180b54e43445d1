import type { Facts } from './messages.ts';
import { modelView } from './modelView.ts';
import { networkView } from './networkView.ts';
import { planView } from './planView.ts';
import type { View } from './view.ts';

/** What people see of each kind of what is served: one line a kind; openers.ts has its session in the worker. */
export function viewOf(facts: Facts): View {
  switch (facts.kind) {
    case 'plan':
      return planView(facts);
    case 'network':
      return networkView(facts);
    case 'model':
      return modelView(facts);
    default:
      return facts satisfies never;
  }
}
