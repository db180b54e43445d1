/**
 * The script of reports, plain JavaScript as browsers run it: its hash stands in the content policy, so that nothing else
 * runs. It only answers: what a cell is, which products make an output. All data are in the document's JSON blocks.
 */
export const REPORT_SCRIPT = `'use strict';
(() => {
  const SVG = 'http://www.w3.org/2000/svg';

  const place = (element, { channels, height, width }) => {
    const column = element % width;
    const row = Math.floor(element / width) % height;
    const channel = Math.floor(element / (width * height)) % channels;
    const image = Math.floor(element / (width * height * channels));
    return (image === 0 ? '' : 'image ' + image + ', ') + 'channel ' + channel + ', row ' + row + ', column ' + column;
  };

  const elementAt = (runs, cell) => {
    for (const [position, positionStep, element, elementStep, length] of runs) {
      const distance = cell - position;
      const step = positionStep === 0 ? (distance === 0 ? 0 : -1) : distance / positionStep;
      if (Number.isInteger(step) && step >= 0 && step < length) return element + step * elementStep;
    }
    return -1;
  };

  const positionsOf = (runs, wanted) => {
    const found = [];
    for (const [position, positionStep, element, elementStep, length] of runs) {
      const distance = wanted - element;
      const step = elementStep === 0 ? (distance === 0 ? 0 : -1) : distance / elementStep;
      if (Number.isInteger(step) && step >= 0 && step < length) found.push(position + step * positionStep);
    }
    return found;
  };

  const cellUnder = (svg, event) => {
    const matrix = svg.getScreenCTM();
    if (matrix === null) return null;
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    const { width, height } = svg.viewBox.baseVal;
    const column = Math.floor(point.x);
    const row = Math.floor(point.y);
    return column < 0 || row < 0 || column >= width || row >= height ? null : { column, row };
  };

  const mark = (svg, boxes) => {
    const group = svg === null ? null : svg.querySelector('.marks');
    if (group === null) return;
    group.replaceChildren(...boxes.map(([x, y, width, height]) => {
      const box = document.createElementNS(SVG, 'rect');
      const attributes = { class: 'mark', x, y, width, height };
      for (const [name, value] of Object.entries(attributes)) box.setAttribute(name, String(value));
      return box;
    }));
  };

  const activate = (viewer) => {
    const block = document.getElementById(viewer.dataset.packing);
    if (block === null) return;
    const data = JSON.parse(block.textContent);
    const readout = viewer.querySelector('[data-readout]');
    const svgOf = (kind) => viewer.querySelector('svg[data-kind="' + kind + '"]');
    const cell = (position) => [position % data.columns, Math.floor(position / data.columns), 1, 1];

    const productsOf = (column) => data.taps.flatMap(([output, channel, row, kernelColumn, value, runs]) =>
      runs.flatMap(([first, firstRow, rowStep, length]) => {
        const step = column - first;
        if (step < 0 || step >= length) return [];
        const matrixRow = firstRow + step * rowStep;
        return [{ channel, row, kernelColumn, value, matrixRow, input: data.inputs[matrixRow] }];
      }));

    const showOutput = (column) => {
      const output = data.outputs[column];
      if (output === undefined) return;
      const products = productsOf(column);
      mark(svgOf('matrix'), [[column, 0, 1, data.inputs.length]]);
      mark(svgOf('upload'), products.flatMap(({ input }) => positionsOf(data.upload, input)).map(cell));
      const [position] = positionsOf(data.result, output);
      mark(svgOf('result'), position === undefined ? [] : [cell(position)]);
      const shown = products.slice(0, 12).map(({ value, input }) => value + ' × x[' + place(input, data.input) + ']');
      const more = products.length > shown.length ? ' + ' + (products.length - shown.length) + ' more' : '';
      readout.textContent = 'Output ' + place(output, data.output) + ' at ' + data.position + ' ' + position + ' = ' +
        (shown.join(' + ') || '0') + more;
    };

    const slider = viewer.querySelector('[data-output]');
    if (slider !== null && data.outputs.length > 1) {
      viewer.querySelector('[data-choice]').hidden = false;
      slider.addEventListener('input', () => showOutput(Number(slider.value)));
    }
    const choose = (column) => {
      if (slider !== null) slider.value = String(column);
      showOutput(column);
    };

    const answer = {
      upload: ({ column, row }) => {
        const position = row * data.columns + column;
        if (position >= data.degree) return;
        const element = elementAt(data.upload, position);
        const isSent = data.sent === null || data.sent.some(([first, length]) => position >= first && position < first + length);
        readout.textContent = data.position + ' ' + position + ' of the input: ' +
          (element < 0 ? 'empty, it holds 0' : place(element, data.input)) + (isSent ? '' : '; not sent, no output reads it');
      },
      result: ({ column, row }) => {
        const position = row * data.columns + column;
        if (position >= data.degree) return;
        const output = elementAt(data.result, position);
        const at = data.outputs.indexOf(output);
        if (output >= 0 && at >= 0) choose(at);
        else readout.textContent = data.position + ' ' + position + ' of the result: ' +
          (output < 0 ? (data.position === 'slot' ? 'no output, it is 0' : 'a sum that nobody reads') : 'output ' + place(output, data.output));
      },
      matrix: ({ column, row }) => {
        choose(column);
        const hit = productsOf(column).find(({ matrixRow }) => matrixRow === row);
        const input = place(data.inputs[row], data.input);
        readout.textContent = 'Output ' + place(data.outputs[column], data.output) + ' takes input ' + input +
          (hit === undefined ? ' times 0: no tap of its window' : ' times ' + hit.value + ': tap (' + hit.row + ', ' + hit.kernelColumn + ') of input channel ' + hit.channel);
      },
    };
    for (const [kind, tell] of Object.entries(answer)) {
      const svg = svgOf(kind);
      if (svg === null) continue;
      const told = (event) => {
        const found = cellUnder(svg, event);
        if (found !== null) tell(found);
      };
      svg.addEventListener('pointermove', told);
      svg.addEventListener('pointerdown', told);
    }
  };

  for (const viewer of document.querySelectorAll('[data-packing]')) activate(viewer);

  const layers = () => document.querySelectorAll('details');
  for (const bar of document.querySelectorAll('[data-all]')) {
    bar.hidden = false;
    bar.addEventListener('click', (event) => {
      const { open } = event.target.dataset;
      if (open !== undefined) for (const layer of document.querySelectorAll('details.layer')) layer.open = open === 'true';
    });
  }
  const openTarget = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) target.open = true;
  };
  addEventListener('hashchange', openTarget);
  openTarget();
  addEventListener('beforeprint', () => {
    for (const layer of layers()) layer.open = true;
  });
})();
`;
