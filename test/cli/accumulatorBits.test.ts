import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toTensorProto } from '../../src/frontend/onnx/proto/tensorProto.ts';
import { config } from '../frontend/fixtures.ts';
import { encodeModel, node, value } from '../frontend/onnx/models.ts';
import { cipherconv, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const WEIGHTS = { type: 'int8', shape: [1, 1, 2, 2], data: Int8Array.of(1, -1, 3, -3) } as const;
writeFileSync(
  at('m.onnx'),
  encodeModel({
    nodes: [node('ConvInteger', ['x', 'w'], ['y'])],
    initializers: [toTensorProto(WEIGHTS, 'w')],
    inputs: [value('x', 'uint8', [1, 1, 3, 3])],
  }),
);
writeFileSync(at('c.conv.json'), JSON.stringify(config({ accumulator: { bits: 2 } })));
writeFileSync(at('free.conv.json'), JSON.stringify(config()));

interface Linted {
  readonly findings: readonly {
    rule: string;
    hint: string | null;
    requiredBits: number;
    declaredBits: number;
  }[];
}

function lint(file: string, ...args: string[]): { code: number | null; findings: Linted['findings'] } {
  const { code, stdout } = cipherconv(['lint', at(file), '--format', 'json', ...args]);
  return { code, findings: (JSON.parse(stdout) as Linted).findings };
}

describe('--accumulator-bits', () => {
  it('holds a model, which has nowhere to declare it, to a width: the same in lint and compile', () => {
    // The sums reach [-1020, 1020]: 11 signed bits.
    const { code, findings } = lint('m.onnx', '--accumulator-bits', '10');
    expect(code).toBe(1);
    const overflow = findings.find(({ rule }) => rule === 'accumulator-overflow');
    expect(overflow).toMatchObject({ requiredBits: 11, declaredBits: 10 });
    expect(overflow?.hint).toContain('pass --accumulator-bits 11,');
    expect(overflow?.hint).not.toContain('declare');
    const refused = cipherconv(['compile', at('m.onnx'), '--accumulator-bits', '10', '-q']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('--accumulator-bits 11 ');
    expect(refused.stderr).not.toContain('declare');

    const fits = lint('m.onnx', '--accumulator-bits', '11');
    expect(fits.code).toBe(0);
    expect(fits.findings.map(({ rule }) => rule)).not.toContain('wider-than-needed');
    const compiled = cipherconv(['compile', at('m.onnx'), '--accumulator-bits', '11', '--json', '-q']);
    const { layers } = JSON.parse(compiled.stdout) as { layers: { declaredBits: number }[] };
    expect(layers).toMatchObject([{ declaredBits: 11, requiredBits: 11 }]);
  });

  it('takes the place of what a config declares, with its signedness; lint and compile name the same width', () => {
    const [finding] = lint('c.conv.json').findings.filter(({ rule }) => rule === 'accumulator-overflow');
    const declared = /declare (\d+ unsigned bits)/.exec(finding?.hint ?? '')?.[1];
    const refused = cipherconv(['compile', at('c.conv.json')]);
    expect(refused.code).toBe(1);
    expect(declared).toBeDefined();
    expect(refused.stderr).toContain(`declare ${declared ?? ''}`);
    const bits = String(finding?.requiredBits);
    expect(lint('c.conv.json', '--accumulator-bits', bits).code).toBe(0);
    expect(cipherconv(['compile', at('c.conv.json'), '--accumulator-bits', bits, '-o', at('p')]).code).toBe(
      0,
    );
    expect(lint('free.conv.json', '--accumulator-bits', '2').code).toBe(1);
    const onPlan = cipherconv(['explain', at('p'), '--accumulator-bits', '9']);
    expect(onPlan).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--accumulator-bits has no effect'),
    });
  });

  it('takes the place of the config also in what is said about it', () => {
    // The file declares 2 bits, the option 1: declaring more in the file would change nothing.
    const hint = /--accumulator-bits (\d+)/;
    const [finding] = lint('c.conv.json', '--accumulator-bits', '1').findings;
    const refused = cipherconv(['compile', at('c.conv.json'), '--accumulator-bits', '1']);
    expect(refused.stderr).not.toContain('declare');
    const bits = hint.exec(refused.stderr)?.[1] ?? '';
    expect(hint.exec(finding?.hint ?? '')?.[1]).toBe(bits);
    expect(lint('c.conv.json', '--accumulator-bits', bits).code).toBe(0);
    expect(cipherconv(['compile', at('c.conv.json'), '--accumulator-bits', bits]).code).toBe(0);
  });

  it('is never named narrower than another layer of the model needs', () => {
    const two = encodeModel({
      nodes: [node('ConvInteger', ['x', 'w'], ['y']), node('ConvInteger', ['x', 'v'], ['z'])],
      initializers: [
        toTensorProto({ type: 'int8', shape: [1, 1, 1, 1], data: Int8Array.of(1) }, 'w'),
        toTensorProto({ type: 'int8', shape: [1, 1, 1, 1], data: Int8Array.of(100) }, 'v'),
      ],
      inputs: [value('x', 'uint8', [1, 1, 3, 3])],
    });
    writeFileSync(at('two.onnx'), two);
    for (const args of [[], ['--accumulator-bits', '14'], ['--accumulator-bits', '20']]) {
      const hints = lint('two.onnx', ...args).findings.flatMap(
        ({ hint }) => /--accumulator-bits (\d+)/.exec(hint ?? '')?.[1] ?? [],
      );
      expect(hints.length).toBeGreaterThan(0);
      for (const bits of hints) expect(lint('two.onnx', '--accumulator-bits', bits).code).toBe(0);
    }
    // Of one option, held by the widest layer, nothing is to spare.
    const rules = lint('two.onnx', '--accumulator-bits', '16').findings.map(({ rule }) => rule);
    expect(rules).not.toContain('wider-than-needed');
    // A type of ONNX has no other bits to declare.
    const unused = lint('two.onnx').findings.filter(({ rule }) => rule === 'unused-weight-bits');
    expect(unused).toMatchObject([{ hint: null }]);
  });
});
