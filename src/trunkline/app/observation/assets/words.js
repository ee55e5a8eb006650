// Numbers as people read them.

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

const MOST_PLAIN = 100_000; // above it, digits are noise
const LEAST_WHOLE = 10; // below it, a whole number says too little
const SIZES = ["B", "KiB", "MiB", "GiB", "TiB"];
const SPANS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];

/** Give a number and its unit, both as text. */
export const count = (value) => [value < MOST_PLAIN ? plain.format(value) : compact.format(value), ""];

export function rate(value) {
  if (value >= MOST_PLAIN) return [compact.format(value), "/s"];
  return [(value < LEAST_WHOLE ? precise : plain).format(value), "/s"];
}

export function bytes(value) {
  let size = 0;
  while (value >= 1024 && size < SIZES.length - 1) {
    value /= 1024;
    size += 1;
  }
  return [(size && value < 100 ? precise : plain).format(value), SIZES[size]];
}

export function byteRate(value) {
  const [number, unit] = bytes(value);
  return [number, `${unit}/s`];
}

export function milliseconds(seconds) {
  const value = seconds * 1000;
  return [(value < LEAST_WHOLE ? precise : plain).format(value), "ms"];
}

export function duration(seconds) {
  const first = SPANS.findIndex(([, length]) => seconds >= length);
  if (first < 0) return "0 s";
  const [unit, length] = SPANS[first];
  const text = `${Math.floor(seconds / length)} ${unit}`;
  if (first === SPANS.length - 1) return text;
  const [smaller, part] = SPANS[first + 1];
  return `${text} ${Math.floor((seconds % length) / part)} ${smaller}`;
}

export const joined = ([number, unit]) => (unit ? `${number} ${unit}` : number);
