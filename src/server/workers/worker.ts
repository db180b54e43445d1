/** A worker process of the server. Started by the pool, never by hand. */
import { createEngine } from './engine.ts';
import { runWorker } from './workerLoop.ts';

runWorker(createEngine);
