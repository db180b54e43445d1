/** What a report says is what the plan says, and nothing foreign in it becomes HTML. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { CompileOptions } from '../../compiler/lowerings/compile.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import type { Finding } from '../../src/lint/finding.ts';
import { reportOf } from '../../src/report/data/reportOf.ts';
import type { Report } from '../../src/report/data/report.ts';
import { reportBody, reportDocument } from '../../src/report/html/document.ts';
import { graphSection } from '../../src/report/html/graph.ts';
import { jsonBlock, markup } from '../../src/report/html/markup.ts';
import { packingSvg } from '../../src/report/html/packingSvg.ts';
import { refusalReason } from '../../src/report/loweringReport.ts';
import { packingPicture } from '../../src/report/packing/picture.ts';
import { simpleSpec } from '../support/simple.ts';

const HOSTILE = `</script><img src=x onerror=alert(1)>"'\`&<svg onload=alert(2)>\u202e`;

function reportOn(spec: ConvSpec, options: CompileOptions = {}, findings: readonly Finding[] = []): Report {
  const compiled = storedPlan(compileSpec(spec, { ...options, protocol: 'standard' }), 'NCHW');
  const layer = { name: spec.name, op: 'ConvInteger', spec, compiled, analysis: null };
  return reportOf({ kind: 'convolution', file: 'a.conv.json', layer, findings });
}

const finding: Finding = {
  rule: 'low-headroom',
  level: 'warning',
  file: HOSTILE,
  line: 1,
  column: 1,
  layer: HOSTILE,
  message: HOSTILE,
  interval: null,
  requiredBits: null,
  declaredBits: null,
  headroom: null,
  witness: null,
  hint: HOSTILE,
};

/** Text of the document with what stands in its own style and script left out. */
function outsideScripts(html: string): string {
  return html.replaceAll(/<(style|script)[^>]*>.*?<\/\1>/gs, '');
}

describe('foreign text', () => {
  it('is escaped wherever a template takes it', () => {
    expect(markup`<a title="${HOSTILE}">${HOSTILE}</a>`.text).toBe(
      [
        '<a title="&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&#96;&amp;&lt;svg onload=alert(2)&gt;\\u{202e}">',
        '&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&#96;&amp;&lt;svg onload=alert(2)&gt;\\u{202e}</a>',
      ].join(''),
    );
  });

  it('cannot end a block of JSON', () => {
    const { text } = jsonBlock('data', { name: '</script><script>alert(1)</script>' });
    expect(text.match(/<\/?script/g)).toHaveLength(2);
    expect(JSON.parse(text.replace(/^[^>]*>/, '').replace(/<[^<]*$/, ''))).toEqual({
      name: '</script><script>alert(1)</script>',
    });
  });

  it('stays text in a whole report', () => {
    const html = reportDocument(reportOn(simpleSpec({ name: HOSTILE }), {}, [finding]));
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html).not.toMatch(/<img|onerror=alert\(1\)>|<svg onload/);
    expect(html).not.toContain('\u202e');
    expect(packingSvg(packingPicture(compileSpec(simpleSpec())), HOSTILE)).not.toMatch(/<img|<svg onload/);
  });
});

describe('the file', () => {
  const html = reportDocument(reportOn(simpleSpec()));

  it('asks for nothing', () => {
    expect(outsideScripts(html)).not.toMatch(/(src|href)="(?!#)/);
    expect(html).not.toMatch(/url\(|@import|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  });

  it('lets only its own script and style run', () => {
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1];
    const hash = (tag: string): string => {
      const text = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(html)?.[1] ?? '';
      return `sha256-${createHash('sha256').update(text).digest('base64')}`;
    };
    expect(policy).toBe(
      `default-src 'none'; script-src '${hash('script')}'; style-src '${hash('style')}'; base-uri 'none'; form-action 'none'`,
    );
    expect(outsideScripts(html)).not.toMatch(/ style=| on[a-z]+="/);
  });
});

describe('numbers', () => {
  it.each([
    ['toeplitz', {}],
    ['diagonals', { lowering: 'diagonals' }],
  ] as const)('are those of the plan, %s', (_, options) => {
    const spec = simpleSpec({ accumulator: { bits: 7, signed: false } });
    const report = reportOn(spec, options);
    const plan = compileSpec(spec, { ...options, protocol: 'standard' });
    const html = reportBody(report).text;
    const { parameters, bytes } = plan;
    for (const number of [parameters.degree, parameters.plainModulus, ...parameters.dataPrimes])
      expect(html).toContain(String(number));
    for (const number of [bytes.upload, bytes.response])
      expect(html).toContain(number.toLocaleString('en-US'));
    expect(html).toContain('[0, 45]');
    const [layer] = report.layers;
    expect(layer?.analysis.tiers.exact?.channels).toEqual(
      plan.analysis.channels.map(({ lo, hi }) => [lo, hi]),
    );
    expect(layer?.witness?.high.flat(2)).toEqual(new Array(9).fill(3));
    const waterfall = layer?.outcome.kind === 'encrypted' ? layer.outcome.noise.waterfall : [];
    for (const { bits } of waterfall) expect(html).toContain(bits.toFixed(2));
  });

  it('of many channels are all in one picture and in the table below it', () => {
    const channels = 100;
    const values = Array.from({ length: 9 * channels }, (_, index) => Math.floor(index / 9) % 4);
    const spec = simpleSpec({ weights: { outChannels: channels, values }, input: { height: 4, width: 4 } });
    const html = reportBody(reportOn(spec)).text;
    expect(/class="s-exact" d="([^"]*)"/.exec(html)?.[1]?.match(/M/g)).toHaveLength(channels);
    expect(html).toContain('<th scope="row">99</th>');
  });
});

it('a convolution that cannot be compiled is reported with the reason', () => {
  const spec = simpleSpec({ accumulator: { bits: 3, signed: false } });
  const compiled = { code: 'overflow', message: 'it overflows', hint: 'fewer taps' } as const;
  const layer = { name: spec.name, op: 'ConvInteger', spec, compiled, analysis: null };
  const report = reportOf({ kind: 'convolution', file: 'a.conv.json', layer, findings: [] });
  expect(report.totals).toMatchObject({ encrypted: 0, refused: 1, rounds: null });
  const html = reportBody(report).text;
  expect(html).toContain('it overflows (overflow)');
  expect(html).toContain('fewer taps');
  expect(html).toContain('class="b-over"');
});

describe('the graph of a model', () => {
  const box = (name: string, kind: 'encrypted' | 'clear', row: number) => ({
    ...{ row, kind, name, operators: [], refused: [], layer: null },
  });

  it('shows the end of long names, within the room that the badge leaves', () => {
    const names = ['conv1/Conv2D', 'conv2/Conv2D'].map((end) => `MobilenetV1/MobilenetV1/${end}`);
    const { text } = graphSection({
      nodes: names.map((name, row) => box(name, 'encrypted', row)),
      edges: [],
    });
    const shown = [...text.matchAll(/class="name"[^>]*>([^<]*)</g)].map(([, name]) => name ?? '');
    expect(shown.map((name) => name.slice(-12))).toEqual(['conv1/Conv2D', 'conv2/Conv2D']);
    const fused = ['Relu', 'Relu_1'].map((own) => `model/${own};model/BiasAdd/ReadVariableOp/resource1`);
    const graph = graphSection({ nodes: fused.map((name, row) => box(name, 'encrypted', row)), edges: [] });
    expect(graph.text).toMatch(/>model\/Relu<.*>model\/Relu_1</s);
    const badge = Number(/class="badge" x="([\d.]+)"/.exec(text)?.[1]);
    for (const name of shown) expect(10 + 8 * name.length).toBeLessThanOrEqual(badge);
  });
});

describe('what is cut', () => {
  // 1024 outputs of one channel: more than a picture shows.
  const packing = packingPicture(compileSpec(simpleSpec({ input: { height: 32, width: 32 } })));

  it('is said in the picture of a packing, too', () => {
    const { matrix } = packing;
    const hidden = (matrix?.cut.outputsInAll ?? 0) - (matrix?.outputs.length ?? 0);
    expect(hidden).toBeGreaterThan(0);
    expect(packingSvg(packing, 'a')).toContain(`Left out: ${hidden.toLocaleString('en-US')} outputs of`);
    expect(packingSvg(packingPicture(compileSpec(simpleSpec())), 'a')).toContain('All of it is shown.');
  });
});

describe('findings of several files', () => {
  const [layer] = reportOn(simpleSpec()).layers;
  const pageOf = (files: readonly string[]): string => {
    if (layer === undefined) throw new Error('no layer');
    const layers = files.map((file) => ({ ...layer, analysis: { ...layer.analysis, file } }));
    return reportBody({ ...reportOn(simpleSpec()), layers }).text;
  };

  it('name the file in every row and heading; those of one file do not', () => {
    const html = pageOf(['one/a.conv.json', 'two/b.conv.json']);
    for (const file of ['one/a.conv.json', 'two/b.conv.json']) {
      expect(html).toContain(`<td>${file}</td>`);
      expect(html).toContain(`ConvInteger of ${file}</span>`);
    }
    expect(pageOf(['a.conv.json', 'a.conv.json'])).not.toContain('a.conv.json</');
  });
});

describe('costs of candidates', () => {
  it.each([
    ['its best packing costs 1.00 ms and 5696 bytes', true],
    ['no tile of the image fits into the ring', false],
  ])('%s', (reason, isLabelled) => {
    const label = ' (compared before seeds and dropped bits)';
    expect(refusalReason({ degree: 2048, reason })).toBe(isLabelled ? reason + label : reason);
  });
});
