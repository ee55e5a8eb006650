// Charts of the last minutes, by uPlot.

const LEAST_WINDOW_SECONDS = 60;
const HEIGHT_PX = 170;
const UNKNOWN = "–";

const powers = (base, most) => Array.from({ length: most }, (_, exponent) => base ** exponent);

/** What a step of a scale may be, and what its top is at least. */
export const SCALES = {
  whole: { steps: powers(10, 12).flatMap((each) => [each, 2 * each, 5 * each]), top: 4 },
  bytes: { steps: powers(2, 50), top: 1024 },
  seconds: { steps: powers(10, 6).flatMap((each) => [each / 1000, each / 500, each / 200]), top: 0.004 },
};

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const minutes = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const atTime = (format, seconds) => format.format(new Date(seconds * 1000));
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const charts = [];

// A canvas has no style sheet: in the dark it is drawn again.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of charts) chart.draw();
});

export class Chart {
  #element;
  #lines;
  #words;
  #scale;
  #data;
  #plot = null;

  /**
   * @param element where it stands
   * @param lines of `{label, colour}`, the name of a colour of the style sheet
   * @param words makes text of a value
   * @param scale one of `SCALES`
   */
  constructor(element, lines, words, scale) {
    this.#element = element;
    this.#lines = lines;
    this.#words = words;
    this.#scale = scale;
    this.#data = [[], ...lines.map(() => [])];
    charts.push(this);
    this.draw();
    new ResizeObserver(() => {
      this.#plot.setSize({ width: element.clientWidth, height: HEIGHT_PX });
    }).observe(element);
  }

  /** Show columns: times in seconds, and the values of each line. */
  show(data) {
    this.#data = data;
    this.#plot.setData(data);
  }

  draw() {
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(), this.#data, this.#element);
  }

  #options() {
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--edge"), width: 1 }, ticks: { show: false } };
    return {
      width: this.#element.clientWidth,
      height: HEIGHT_PX,
      cursor: { sync: { key: "status" }, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: (_, first, last) => [Math.min(first ?? 0, (last ?? 0) - LEAST_WINDOW_SECONDS), last ?? 0] },
        y: { range: (_, least, most) => [0, Math.max((most ?? 0) * 1.1, this.#scale.top)] },
      },
      axes: [
        {
          ...axis,
          space: 70,
          size: 28,
          values: (_, splits, index, space, step) => splits.map((each) => atTime(step < 60 ? clock : minutes, each)),
        },
        { ...axis, size: 68, incrs: this.#scale.steps, values: (_, splits) => splits.map(this.#words) },
      ],
      series: [
        { label: "Time", value: (_, seconds) => (seconds == null ? UNKNOWN : atTime(clock, seconds)) },
        ...this.#lines.map(({ label, colour: name }) => ({
          label,
          stroke: colour(name),
          fill: `${colour(name)}1f`,
          width: 2,
          points: { show: false },
          value: (_, value) => (value == null ? UNKNOWN : this.#words(value)),
        })),
      ],
    };
  }
}
