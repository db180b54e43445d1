/**
 * Encrypted convolutions in a web server of your own: a Hono application answers its own paths, and hands those below /he to
 * a handler of cipherconv. A client filters a picture through it and compares with the convolution in the clear.
 */
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { convolve } from '../../runtime/clear/loops.ts';
import { connectPlan } from '../../src/client/index.ts';
import { compile, inputTensor, loadConfig, loadInput, storedPlan } from '../../src/index.ts';
import { createHandler } from '../../src/server/index.ts';

const config = await loadConfig(join(import.meta.dirname, '..', '1-gaussian', 'gaussian.conv.json'));
const stored = storedPlan(compile(config.spec), config.layout);

// The server: worker processes behind one function from Request to Response.
const handler = await createHandler([stored], { workers: 1, basePath: '/he' });
const app = new Hono()
  .get('/', (context) => context.text('my application'))
  .all('/he/*', (context) => handler(context.req.raw));
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
await new Promise((resolve) => server.once('listening', resolve));
const address = server.address();
if (address === null || typeof address === 'string') throw new Error('no port');

// The client.
const picture = await loadInput(join(import.meta.dirname, '..', 'picture-28.png'));
const input = inputTensor(picture, config.spec, config.layout, () => undefined);
using remote = await connectPlan(`http://127.0.0.1:${address.port}/he`, stored.digest);
const output = await remote.infer(input);
const expected = convolve(config.spec, input);
const same = output.data.filter((value, index) => value === expected.data[index]).length;
process.stdout.write(`equal: ${same} of ${expected.data.length}\n`);
if (same !== expected.data.length) process.exitCode = 1;

server.close();
await handler.close();
