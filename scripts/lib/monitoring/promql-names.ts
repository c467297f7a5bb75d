/** A metric that an expression names, with the labels that it is filtered by. */
export interface NamedMetric {
  readonly name: string;
  readonly labels: readonly string[];
}

const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan', 'atan2']);
const GROUPINGS = /\b(?:by|without|on|ignoring|group_left|group_right)\s*(?:\([^)]*\))?/g;

/** The metrics of a PromQL expression, as far as reading it without a parser can tell. */
export function promqlMetrics(expression: string): NamedMetric[] {
  const bare = expression
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\[[^\]]*\]/g, '')
    .replace(GROUPINGS, '');
  const found: NamedMetric[] = [];
  for (const match of bare.matchAll(/(?<![\w:.$])([a-zA-Z_:][\w:]*)\s*(\(|\{([^}]*)\})?/g)) {
    const [, name = '', follows = '', matchers = ''] = match;
    if (follows === '(' || KEYWORDS.has(name.toLowerCase())) continue;
    if (isInsideBraces(bare, match.index)) continue;
    found.push({
      name,
      labels: Array.from(matchers.matchAll(/(\w+)\s*[=!]/g), ([, label = '']) => label),
    });
  }
  return found;
}

function isInsideBraces(text: string, index: number): boolean {
  return text.lastIndexOf('{', index) > text.lastIndexOf('}', index - 1);
}

/** The metric that a series of a histogram belongs to; any other name as it is. */
export function familyOf(series: string, families: ReadonlySet<string>): string {
  const family = series.replace(/_(?:bucket|sum|count)$/, '');
  return families.has(series) ? series : family;
}
