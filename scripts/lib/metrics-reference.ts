import { METRIC_GROUPS } from '../../src/observe/metrics/all-metrics.ts';

const HEAD = `# Metrics, one by one

What \`GET /metrics\` tells. [metrics.md](metrics.md) says how to use it. Counters start at zero with the gateway.

`;

/** `docs/metrics-reference.md`, from the table that the program publishes from. */
export function renderMetricsReference(): string {
  const sections = METRIC_GROUPS.map(({ title, metrics }) => {
    const rows = metrics.map(({ name, kind, labels, help }) => {
      const told = labels.map((label) => `\`${label}\``).join(', ');
      return `| \`${name}\` | ${kind} | ${told} | ${help} |`;
    });
    return `## ${title}\n\n| Name | Kind | Labels | Meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return HEAD + sections.join('\n');
}
