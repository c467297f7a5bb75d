import { statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBinary } from './build-binary.ts';
import { ensureBunExecutable } from './bun-executable.ts';
import { ROOT } from './root.ts';
import { getNativeTarget, getTarget, TARGETS } from './targets.ts';

const HELP = `usage: scripts/build [--target T] [--out FILE]

Compiles llmgate into one executable, dist/llmgate unless --out says otherwise.
Targets: ${TARGETS.map((target) => target.name).join(' ')} (default: this machine's)
`;

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    target: { type: 'string' },
    out: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});

if (values.help === true) {
  process.stdout.write(HELP);
} else {
  const native = getNativeTarget();
  const target = values.target === undefined ? native : getTarget(values.target);
  const outFile = values.out === undefined ? join(ROOT, 'dist/llmgate') : resolve(values.out);
  const bunExecutable = target.name === native.name ? undefined : ensureBunExecutable(target);
  await buildBinary({ target, outFile, bunExecutable });
  const megabytes = (statSync(outFile).size / 1e6).toFixed(1);
  process.stderr.write(
    `built ${relative(process.cwd(), outFile)} (${target.name}, ${megabytes} MB)\n`,
  );
}
