import { scaleLinear, scaleLog } from "d3-scale";
import type { Interval } from "../statistics/estimate.ts";
import { significant } from "../statistics/wording.ts";
import { html } from "./escape.ts";

/** A plot of lanes one below the other on a common axis, as the text of an SVG element. */
export interface Plot {
  /** For readers who do not see it. */
  readonly title: string;
  /** Under the axis, e.g. `ms, less is better`. */
  readonly axis: string;
  readonly lanes: readonly Lane[];
  /** Values at which a line goes through all lanes, e.g. the baseline's median. */
  readonly rule: number | undefined;
}

export interface Lane {
  readonly label: string;
  /** A class for its colour: a verdict, `baseline`, or `published`. */
  readonly kind: string;
  readonly points: readonly LanePoint[];
  readonly median: number | undefined;
  readonly interval: Interval | undefined;
}

export interface LanePoint {
  readonly value: number;
  /** Shown when the pointer rests on it. */
  readonly label: string;
  readonly shape: "dot" | "cross" | "diamond";
}

const WIDTH = 860;
const LABEL_WIDTH = 230;
const RIGHT = WIDTH - 24;
const LANE_HEIGHT = 36;
const AXIS_HEIGHT = 46;
const TOP = 6;
const LABEL_CHARACTERS = 34;
/** From this ratio of the largest to the smallest value on the axis is logarithmic. */
const LOGARITHMIC_FROM = 8;
const TICKS = 6;

export function drawPlot(plot: Plot): string {
  const values = plot.lanes
    .flatMap(({ points, interval, median }) => [
      median ?? Number.NaN,
      ...points.map(({ value }) => value),
      ...(interval === undefined ? [] : [interval[0], interval[1]]),
    ])
    .concat(plot.rule ?? [])
    .filter(Number.isFinite);
  if (values.length === 0) return "";
  const axis = makeAxis(values);
  const bottom = TOP + plot.lanes.length * LANE_HEIGHT;
  const height = bottom + AXIS_HEIGHT;
  return [
    `<svg class="plot" role="img" viewBox="0 0 ${WIDTH} ${height}" aria-label="${html(plot.title)}">`,
    ...axis.ticks.map(
      ({ x, text }) =>
        `<line class="grid" x1="${x}" x2="${x}" y1="${TOP}" y2="${bottom}"/>` +
        `<text class="tick" x="${x}" y="${bottom + 16}" text-anchor="middle">${html(text)}</text>`,
    ),
    ...(plot.rule === undefined ? [] : [ruleAt(axis.place(plot.rule), bottom)]),
    ...plot.lanes.map((lane, index) => drawLane(lane, TOP + index * LANE_HEIGHT, axis.place)),
    `<text class="tick" x="${(LABEL_WIDTH + RIGHT) / 2}" y="${bottom + 36}" text-anchor="middle">${html(
      axis.logarithmic ? `${plot.axis}; logarithmic` : plot.axis,
    )}</text>`,
    "</svg>",
  ].join("\n");
}

interface Axis {
  readonly place: (value: number) => number;
  readonly ticks: readonly Tick[];
  readonly logarithmic: boolean;
}

interface Tick {
  readonly value: number;
  readonly x: number;
  readonly text: string;
}

function makeAxis(values: readonly number[]): Axis {
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const logarithmic = low > 0 && high / low >= LOGARITHMIC_FROM;
  const margin = low === high ? Math.abs(low) / 10 || 1 : (high - low) / 20;
  const scale = logarithmic
    ? scaleLog([low / 1.15, high * 1.15], [LABEL_WIDTH, RIGHT])
    : scaleLinear([low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin], [LABEL_WIDTH, RIGHT]);
  const place = (value: number) => Math.round(Math.min(RIGHT, Math.max(LABEL_WIDTH, scale(value))) * 10) / 10;
  const ticks = thin(scale.ticks(TICKS).map((value) => ({ value, x: place(value), text: tickText(value) })));
  return { place, ticks, logarithmic };
}

/** Without the ticks whose text would lie over another's; powers of ten stay before all others. */
function thin(ticks: readonly Tick[]): Tick[] {
  const kept: Tick[] = [];
  for (const tick of [...ticks].sort((a, b) => Number(isPowerOfTen(b)) - Number(isPowerOfTen(a)))) {
    const isFree = kept.every(({ x, text }) => Math.abs(tick.x - x) > 5 * (tick.text.length + text.length));
    if (isFree) kept.push(tick);
  }
  return kept;
}

function isPowerOfTen({ value }: Tick): boolean {
  return value > 0 && Number.isInteger(Math.round(Math.log10(value) * 1e9) / 1e9);
}

function tickText(value: number): string {
  return new Intl.NumberFormat("en-US", { maximumSignificantDigits: 5 }).format(value);
}

function ruleAt(x: number, bottom: number): string {
  return `<line class="rule" x1="${x}" x2="${x}" y1="${TOP}" y2="${bottom}"/>`;
}

/** Samples from the lane's top to its bottom in the order in which they were taken, so that a drift shows as a slope. */
function drawLane({ label, kind, points, median, interval }: Lane, top: number, place: Axis["place"]): string {
  const middle = top + LANE_HEIGHT / 2;
  const short = label.length > LABEL_CHARACTERS ? `${label.slice(0, LABEL_CHARACTERS - 1)}…` : label;
  const step = (LANE_HEIGHT - 14) / Math.max(1, points.length - 1);
  const parts = [
    `<text class="lane" x="${LABEL_WIDTH - 12}" y="${middle + 4}" text-anchor="end">${html(short)}<title>${html(label)}</title></text>`,
  ];
  if (interval !== undefined) {
    const [from, to] = [place(interval[0]), place(interval[1])];
    const shown = `95 % interval of the median: ${significant(interval[0])} to ${significant(interval[1])}`;
    parts.push(
      `<rect class="interval" x="${from}" y="${top + 3}" width="${Math.max(1, to - from).toFixed(1)}" height="${LANE_HEIGHT - 6}"><title>${html(shown)}</title></rect>`,
    );
  }
  if (median !== undefined && Number.isFinite(median)) {
    parts.push(
      `<line class="median" x1="${place(median)}" x2="${place(median)}" y1="${top + 3}" y2="${top + LANE_HEIGHT - 3}"/>`,
    );
  }
  points.forEach((point, index) => {
    const y = points.length === 1 ? middle : top + 7 + index * step;
    parts.push(drawPoint(point, place(point.value), Math.round(y * 10) / 10));
  });
  return `<g class="k-${html(kind)}">${parts.join("")}</g>`;
}

function drawPoint({ label, shape }: LanePoint, x: number, y: number): string {
  const title = `<title>${html(label)}</title>`;
  if (shape === "dot") return `<circle cx="${x}" cy="${y}" r="2.6">${title}</circle>`;
  const path = shape === "cross" ? "m-3 -3l6 6m0 -6l-6 6" : "m0 -6l6 6l-6 6l-6 -6z";
  return `<path class="${shape}" d="M${x} ${y}${path}">${title}</path>`;
}
