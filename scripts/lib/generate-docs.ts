import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderBenchSchema } from '../../src/bench/result-schema.ts';
import { renderConfigReference } from './config-reference.ts';
import { renderConfigSchema } from './config-schema.ts';
import { ROOT } from './root.ts';

const HELP = `usage: scripts/generate-docs

Writes docs/config.md and configs/llmgate.schema.json from the configuration schema, and
docs/bench.schema.json from that of benchmark results. A test fails while they are not current.
`;

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else {
  writeFileSync(join(ROOT, 'docs/config.md'), renderConfigReference());
  writeFileSync(join(ROOT, 'configs/llmgate.schema.json'), renderConfigSchema());
  writeFileSync(join(ROOT, 'docs/bench.schema.json'), renderBenchSchema());
  process.stdout.write(
    'docs/config.md, configs/llmgate.schema.json, docs/bench.schema.json: current\n',
  );
}
