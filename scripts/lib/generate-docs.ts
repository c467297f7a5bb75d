import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderConfigReference } from './config-reference.ts';
import { renderConfigSchema } from './config-schema.ts';
import { ROOT } from './root.ts';

const HELP = `usage: scripts/generate-docs

Writes docs/config.md and configs/llmgate.schema.json from the configuration schema. A test fails
while they are not current.
`;

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else {
  writeFileSync(join(ROOT, 'docs/config.md'), renderConfigReference());
  writeFileSync(join(ROOT, 'configs/llmgate.schema.json'), renderConfigSchema());
  process.stdout.write('docs/config.md and configs/llmgate.schema.json are current\n');
}
