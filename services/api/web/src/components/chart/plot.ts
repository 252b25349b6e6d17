// uPlot, set up once for "observed against usual": loaded as a chunk of its own, when the first chart comes into view.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Columns } from '../../state/series';
import { excess, labels, marks, onset, silent, type Ink, type Mark } from './paint';

export interface PlotWords {
  observed: string;
  usual: string;
  onset: string;
  tick: (seconds: number) => string;
}

export interface PlotOptions {
  zone: string;
  /** Where the change began, in seconds. */
  onset: number | null;
  height: number;
  marks: Mark[];
  words: PlotWords;
  pointed: (index: number | null) => void;
}

export class Plot {
  #plot: uPlot;
  #host: HTMLElement;
  #columns: Columns;
  #resize: ResizeObserver;

  constructor(host: HTMLElement, columns: Columns, options: PlotOptions) {
    this.#host = host;
    this.#columns = columns;
    const ink = readInk(host);
    this.#plot = new uPlot(this.#setup(options, ink), data(columns), host);
    this.#resize = new ResizeObserver(() => this.#plot.setSize({ width: host.clientWidth, height: options.height }));
    this.#resize.observe(host);
  }

  update(columns: Columns): void {
    this.#columns = columns;
    this.#plot.setData(data(columns));
  }

  destroy(): void {
    this.#resize.disconnect();
    this.#plot.destroy();
  }

  #setup(options: PlotOptions, ink: Ink): uPlot.Options {
    const { words } = options;
    const axis = { stroke: ink.muted, font: ink.font, ticks: { show: false } };
    return {
      width: this.#host.clientWidth,
      height: options.height,
      padding: [18, 66, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), options.zone),
      scales: { y: { range: (_, __, max) => [0, Math.max(4, (max || 0) * 1.08)] } },
      axes: [
        { ...axis, size: 30, space: 62, grid: { show: false }, values: (_, splits) => once(splits.map(words.tick)) },
        { ...axis, size: 38, space: 34, grid: { stroke: ink.hair, width: 1 }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4] },
      ],
      series: [
        {},
        { label: 'high', stroke: 'transparent', points: { show: false } },
        { label: 'low', stroke: 'transparent', points: { show: false } },
        { label: 'expected', stroke: ink.expected, width: 2, dash: [6, 4], points: { show: false } },
        { label: 'observed', stroke: ink.observed, width: 2.5, points: { show: false } },
        { label: 'open', stroke: ink.observed, width: 2.5, dash: [2, 4], points: { show: false } },
      ],
      bands: [{ series: [1, 2], fill: ink.band }],
      hooks: {
        drawAxes: [(plot) => excess(plot, ink), (plot) => options.onset !== null && onset(plot, ink, options.onset, words.onset)],
        draw: [(plot) => silent(plot, ink, this.#columns.silent), (plot) => marks(plot, ink, options.marks), (plot) => labels(plot, ink, { columns: this.#columns, observed: words.observed, usual: words.usual })],
        setCursor: [(plot) => options.pointed(plot.cursor.idx ?? null)],
      },
    };
  }
}

/** The name of a day stands at its midnight, not again at noon. */
function once(texts: string[]): string[] {
  return texts.map((text, index) => (text === texts[index - 1] ? '' : text));
}

/** The last hour is not over: its piece of the line is a series of its own, dotted. */
function data({ x, observed, expected, low, high, open }: Columns): uPlot.AlignedData {
  const last = x.length - 1;
  const closed = observed.map((value, index) => (open && index === last ? null : value));
  const dotted = observed.map((value, index) => (open && index >= last - 1 ? value : null));
  return [x, high, low, expected, closed, dotted] as uPlot.AlignedData;
}

function readInk(host: HTMLElement): Ink {
  const style = getComputedStyle(host);
  const colour = (name: string): string => resolve(host, `var(--${name})`);
  return {
    observed: colour('observed'),
    expected: colour('expected'),
    band: colour('band'),
    severe: colour('severe'),
    muted: colour('muted'),
    hair: colour('hair'),
    card: colour('card'),
    font: `12px ${style.fontFamily}`,
  };
}

/** A canvas knows no light-dark(): let the browser work the colour out on an element. */
function resolve(host: HTMLElement, value: string): string {
  const probe = document.createElement('i');
  probe.style.color = value;
  host.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
