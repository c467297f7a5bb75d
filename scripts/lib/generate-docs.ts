import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderBenchSchema } from '../../src/bench/result-schema.ts';
import { renderConfigReference } from './config-reference.ts';
import { renderConfigSchema } from './config-schema.ts';
import { makeDashboards } from './make-dashboards.ts';
import { renderMetricsReference } from './metrics-reference.ts';
import { ROOT } from './root.ts';

const HELP = `usage: scripts/generate-docs

Writes docs/config.md and configs/llmgate.schema.json from the configuration schema, and
docs/bench.schema.json from that of benchmark results, docs/metrics-reference.md from the table of
metrics, and deploy/grafana/ from scripts/lib/make-dashboards.ts. A test fails while they are not current.
`;

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else {
  writeFileSync(join(ROOT, 'docs/config.md'), renderConfigReference());
  writeFileSync(join(ROOT, 'configs/llmgate.schema.json'), renderConfigSchema());
  writeFileSync(join(ROOT, 'docs/bench.schema.json'), renderBenchSchema());
  writeFileSync(join(ROOT, 'docs/metrics-reference.md'), renderMetricsReference());
  for (const [name, text] of makeDashboards()) {
    writeFileSync(join(ROOT, 'deploy/grafana', name), text);
  }
  process.stdout.write(
    'docs/config.md, configs/llmgate.schema.json, docs/bench.schema.json, ' +
      'docs/metrics-reference.md, deploy/grafana: current\n',
  );
}
