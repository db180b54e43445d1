import type { Command } from '@commander-js/extra-typings';
import { examples } from './help.ts';
import { late } from './interrupt.ts';
import { splitFlag } from './redisFlags.ts';
import type { Terminal } from './terminal.ts';
import { hostNames, origins, positiveNumber, wholeNumber } from './values.ts';

/** Below it not even Node with SEAL fits. */
const LEAST_MEMORY_MIB = 192;

/** `serve PLANS...`: evaluation over HTTP, until SIGTERM or an interrupt. */
export function addServe(program: Command, terminal: () => Terminal): void {
  const command = program
    .command('serve')
    .description('evaluate encrypted pictures over HTTP, and serve the page')
    .argument('<plans...>', 'server plans of convolutions and models, as compile writes them')
    .option('--port <n>', 'where to listen; 0: any free port (default: 8080)', wholeNumber(0, 65535))
    .option('--host <name>', 'address to listen on (default: 127.0.0.1)')
    .option('--workers <n>', 'requests evaluated at the same time (default: all cores)', wholeNumber(1, 256))
    .option(
      '--max-body <bytes>',
      'longest body taken (default: the largest upload of the plans)',
      wholeNumber(1, 2 ** 31),
    )
    .option('--deadline <seconds>', 'from request to response (default: 30)', positiveNumber(3600))
    .option(
      '--rate <n>',
      'requests a second from one address; 0: unlimited (default: 0)',
      wholeNumber(0, 1e6),
    )
    .option(
      '--address-share <percent>',
      'of the connections and the memory for bodies and keys, for one address; behind a proxy 100 (default: 50)',
      wholeNumber(1, 100),
    )
    .option(
      '--min-body-rate <bytes/s>',
      'refuse bodies that come more slowly; 0: none (default: 8192)',
      wholeNumber(0, 2 ** 31),
    )
    .option(
      '--allowed-host <name>',
      'a name besides localhost that requests may have for the server; may be repeated',
      hostNames,
    )
    .option('--cors <origin>', 'a web page from elsewhere that may ask; may be repeated', origins)
    .option(
      '--memory <MiB>',
      'what one worker may take (default: 512)',
      wholeNumber(LEAST_MEMORY_MIB, 2 ** 20),
    )
    .option(
      '--evaluation-keys-memory <MiB>',
      'take evaluation keys, which diagonals plans and networks of one round need, up to so much (default: 0, none; 256 where a network is served)',
      wholeNumber(0, 2 ** 20),
    )
    .option(
      '--farm [url]',
      'let the workers of a farm evaluate: redis://[user:password@]host[:port][/database], or rediss:// with TLS (default: $REDIS_URL)',
    )
    .option('--redis-ca <file>', 'certificate of the authority to trust for rediss://, PEM')
    .option(
      '--split <pieces>',
      'on a farm: cut each request into several jobs: auto, off or how many (default: auto)',
      splitFlag,
    )
    .option(
      '--most-waiting <n>',
      'on a farm: refuse requests while so many jobs wait (default: 1000)',
      wholeNumber(1, 1e6),
    );
  examples(command, [
    ['serve edges.plan.json', 'the server and its page, on this machine only'],
    ['serve network.plan', 'a whole model, layer by layer'],
    ['serve edges.plan.json --farm redis://10.0.0.5', 'the front end of a farm, as often as wanted'],
    ['serve *.plan.json --port 0 --workers 2 --rate 10 --deadline 5', 'several plans, within limits'],
  ]);
  command.action(async (files, flags) => {
    const { serve } = await late(import('./actions/serve.ts'));
    await serve(files, flags, terminal());
  });
}
