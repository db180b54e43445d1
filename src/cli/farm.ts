import { Option } from '@commander-js/extra-typings';
import type { Command, CommandUnknownOpts } from '@commander-js/extra-typings';
import { examples } from './help.ts';
import { late } from './interrupt.ts';
import { addPictureFlags, pictureRules } from './pictureFlags.ts';
import { addRedisFlags, redisFlags, splitFlag } from './redisFlags.ts';
import type { Terminal } from './terminal.ts';
import { positiveNumber, wholeNumber } from './values.ts';

/** Below it not even Node with SEAL fits. */
const LEAST_MEMORY_MIB = 192;

/** `farm worker|submit|status`: batches on many machines, over BullMQ and Redis. */
export function addFarm(program: Command, terminal: () => Terminal): void {
  const farm = program
    .command('farm')
    .description('evaluate batches on many machines, over Redis')
    .helpCommand(false);
  examples(farm, [
    ['farm worker edges.plan.json --redis redis://10.0.0.5', 'on every machine that evaluates'],
    [
      'farm submit edges.client.json --redis redis://10.0.0.5 -i uploads -o responses',
      'on the one that asks',
    ],
    ['farm status --redis redis://10.0.0.5', 'how far it is'],
  ]);
  addWorker(farm, terminal);
  addSubmit(farm, terminal);
  addStatus(farm, terminal);
}

function addWorker(farm: CommandUnknownOpts, terminal: () => Terminal): void {
  const command = farm
    .command('worker')
    .description('take jobs of plans and evaluate them, until SIGTERM or an interrupt')
    .argument('<plans...>', 'server plans, as compile writes them')
    .option('--concurrency <n>', 'jobs evaluated at the same time (default: all cores)', wholeNumber(1, 256))
    .option(
      '--memory <MiB>',
      'what the process of one evaluation may take (default: 512)',
      wholeNumber(LEAST_MEMORY_MIB, 2 ** 20),
    )
    .option('--deadline <seconds>', 'for one evaluation (default: 600)', positiveNumber(86_400))
    .option(
      '--lock <seconds>',
      'a worker without a sign of life for so long has died (default: 15)',
      positiveNumber(3600),
    );
  addRedisFlags(command);
  examples(command, [
    ['farm worker edges.plan.json --redis redis://10.0.0.5', 'with all cores of this machine'],
    [
      'farm worker *.plan.json --redis rediss://farm.example.org --redis-ca ca.pem --concurrency 2',
      'over TLS',
    ],
  ]);
  command.action(async (plans, flags) => {
    const { farmWorker } = await late(import('./actions/farmWorker.ts'));
    await farmWorker(plans, { ...flags, ...redisFlags(command) }, terminal());
  });
}

function addSubmit(farm: CommandUnknownOpts, terminal: () => Terminal): void {
  const command = farm
    .command('submit')
    .description('have a batch evaluated; run again after any crash, nothing is done twice')
    .argument('<plan>', 'the client plan, or the server plan')
    .requiredOption(
      '-i, --input <path...>',
      'uploads of encrypt, or with --secret-key or --hint tensors and pictures: files or folders',
    )
    .requiredOption('-o, --output <folder>', 'where results go, each under the name of its input')
    .option(
      '--secret-key <file>',
      'encrypt the inputs and decrypt the results, here, with this key of keygen',
    )
    .option(
      '--hint <file>',
      'the same for a plan with a hint, which is given here: every input gets a key of its own',
    )
    .option(
      '--evaluation-keys <file>',
      'the evaluation keys of the client, which plans with rotations need for uploads',
    )
    .addOption(
      new Option('--format <kind>', 'of decrypted results')
        .choices(['npy', 'json', 'pb', 'png'])
        .default('npy'),
    )
    .option(
      '--in-flight <n>',
      'inputs under way at the same time (default: 64, fewer of large ones)',
      wholeNumber(1, 100_000),
    )
    .option(
      '--split <pieces>',
      'cut each input into several jobs, which needs the server plan: auto, off or how many (default: off)',
      splitFlag,
    )
    .option('--json', 'print what became of the batch as one JSON object');
  addPictureFlags(command);
  addRedisFlags(command);
  examples(command, [
    ['farm submit client.json --redis redis://10.0.0.5 -i uploads -o responses', 'uploads in, responses out'],
    [
      'farm submit client.json --redis redis://10.0.0.5 --secret-key secret.key -i pictures -o results',
      'pictures in, integers out: only ciphertexts leave this machine',
    ],
  ]);
  command.action(async (plan, flags, self) => {
    const { farmSubmit } = await late(import('./actions/farmSubmit.ts'));
    await farmSubmit(plan, { ...flags, ...redisFlags(self), rules: pictureRules(self) }, terminal());
  });
}

function addStatus(farm: CommandUnknownOpts, terminal: () => Terminal): void {
  const command = farm
    .command('status')
    .description('what waits, is under way and failed, by plan, and how many are done a minute')
    .option('--json', 'print it as one JSON object');
  addRedisFlags(command);
  examples(command, [['farm status --redis redis://10.0.0.5', 'a look at the farm']]);
  command.action(async (flags, self) => {
    const { showFarmStatus } = await late(import('./actions/farmStatus.ts'));
    await showFarmStatus({ ...flags, ...redisFlags(self) }, terminal());
  });
}
