/** One line of Prometheus' text format (version 0.0.4), as far as it matters here. */
export interface Sample {
  readonly value: number;
  /** The value of a label, its escapes left as they are; undefined when it has no such label. */
  label(name: string): string | undefined;
}

/** Series of one name that are read; engines have a handful. */
const SAMPLES_MAX = 1_024;
/** A line with all its labels. */
const LINE_BYTES_MAX = 8_192;

const LF = 0x0a;
/** What follows the name. The classes are disjoint, so matching is linear. */
const REST =
  /^(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?[ \t]+([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:[ \t]+-?\d+)?[ \t]*\r?$/;

/**
 * The samples of one metric. Only lines that begin with the name are decoded: an engine's page has
 * hundreds of kilobytes, of which three lines are wanted every second. Lines that are not well-formed
 * and values that are not finite are left out; nothing is thrown.
 */
export function findSamples(page: Buffer, name: string): Sample[] {
  const samples: Sample[] = [];
  let at = page.indexOf(name);
  for (let lines = 0; at >= 0 && lines < SAMPLES_MAX; lines++) {
    const isLineStart = at === 0 || page[at - 1] === LF;
    const end = page.indexOf(LF, at);
    const lineEnd = end < 0 ? page.length : end;
    if (isLineStart && lineEnd - at <= LINE_BYTES_MAX) {
      const sample = parseSample(page.toString('utf8', at + name.length, lineEnd));
      if (sample !== null) samples.push(sample);
    }
    at = end < 0 ? -1 : page.indexOf(name, end);
  }
  return samples;
}

function parseSample(rest: string): Sample | null {
  const match = REST.exec(rest);
  const value = Number(match?.[2]);
  if (!Number.isFinite(value)) return null;
  const labels = match?.[1] ?? '';
  return {
    value,
    // A quote inside a value is escaped, so `name="` can only be the beginning of a label.
    label: (name) => new RegExp(`(?:^|[, \\t])${name}="((?:[^"\\\\]|\\\\.)*)"`).exec(labels)?.[1],
  };
}
