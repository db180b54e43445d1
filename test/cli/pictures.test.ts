import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { encode as encodeJpeg } from 'jpeg-js';
import { beforeAll, describe, expect, it } from 'vitest';
import { resizePicture, greyPicture } from '../../src/frontend/pictureFit.ts';
import { decodePicture } from '../../src/frontend/picture.ts';
import { cipherconv, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const COLOUR = {
  width: 30,
  height: 20,
  channels: 3,
  depth: 8,
  data: Uint8Array.from({ length: 30 * 20 * 3 }, (_, index) => (index * 89) % 256),
} as const;

beforeAll(() => {
  // An identity filter: what comes out is what went in.
  const config = {
    version: 1,
    name: 'same',
    input: { shape: [1, 1, 8, 12], bits: 8 },
    weights: { shape: [1, 1, 1, 1], bits: 1, values: [1] },
  };
  writeFileSync(at('same.conv.json'), JSON.stringify(config));
  writeFileSync(at('colour.png'), encode(COLOUR));
  const rgba = Buffer.alloc(30 * 20 * 4, 120);
  writeFileSync(at('photo.jpg'), encodeJpeg({ width: 30, height: 20, data: rgba }, 90).data);
});

describe('pictures on the command line', () => {
  it('a colour picture of another size needs --grey and --resize, for a plan and for its client', () => {
    const plan = at('same.plan.json');
    const client = at('same.client.json');
    expect(cipherconv(['compile', at('same.conv.json'), '-o', plan, '--client-plan', client]).code).toBe(0);
    const colour = decodePicture(encode(COLOUR), 'colour.png');
    const expected = resizePicture(greyPicture(colour), { width: 12, height: 8 });
    const refused = cipherconv(['run', plan, '-i', at('colour.png')]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--resize')]);
    const stillColour = cipherconv(['run', plan, '-i', at('colour.png'), '--resize']);
    expect([stillColour.code, stillColour.stderr]).toEqual([2, expect.stringContaining('--grey')]);
    const good = cipherconv(['run', plan, '-i', at('colour.png'), '--grey', '--resize', '-o', '-']);
    expect(good.stderr).toContain('colour made grey');
    expect(good.stderr).toContain('its middle scaled from 30 x 20 to 12 x 8');
    expect(JSON.parse(good.stdout)).toEqual({ shape: [1, 1, 8, 12], data: Array.from(expected.samples) });
    const key = at('my.key');
    expect(cipherconv(['keygen', '--plan', client, '--secret-key', key]).code).toBe(0);
    const given = ['--plan', client, '--secret-key', key, '-i', at('colour.png'), '-o', at('up.bin')];
    expect(cipherconv(['encrypt', ...given]).code).toBe(2);
    expect(cipherconv(['encrypt', ...given, '--grey', '--resize']).code).toBe(0);
    expect(cipherconv(['evaluate', '--plan', plan, '-i', at('up.bin'), '-o', at('down.bin')]).code).toBe(0);
    const result = ['--plan', client, '--secret-key', key, '-i', at('down.bin'), '-o', '-'];
    expect(JSON.parse(cipherconv(['decrypt', ...result]).stdout)).toEqual(JSON.parse(good.stdout));
  });

  it('a config is compiled for the size of the picture, unless --resize keeps its own', () => {
    const own = cipherconv(['run', at('same.conv.json'), '-i', at('colour.png'), '--grey', '-o', '-']);
    expect(JSON.parse(own.stdout)).toMatchObject({ shape: [1, 1, 20, 30] });
    const resized = cipherconv([
      'run',
      at('same.conv.json'),
      '-i',
      at('colour.png'),
      '--grey',
      '--resize',
      '-o',
      '-',
    ]);
    expect(JSON.parse(resized.stdout)).toMatchObject({ shape: [1, 1, 8, 12] });
  });

  it('a JPEG is read', () => {
    const { code, stdout } = cipherconv([
      'run',
      at('same.conv.json'),
      '-i',
      at('photo.jpg'),
      '--grey',
      '--resize',
      '-o',
      '-',
    ]);
    expect(code).toBe(0);
    const { data } = JSON.parse(stdout) as { readonly data: readonly number[] };
    expect(data).toHaveLength(96);
    for (const value of data) expect(Math.abs(value - 120)).toBeLessThan(3);
  });
});
