import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { version } from '../../package.json';
import { buildBinary } from './build-binary.ts';
import { ensureBunExecutable } from './bun-executable.ts';
import { findAddons } from './embedded-addon.ts';
import { renderChecksums } from './release-folder.ts';
import { ROOT } from './root.ts';
import { getNativeTarget, getTarget, TARGETS, type Target } from './targets.ts';

const HELP = `usage: scripts/release [--out FOLDER] [--targets T,T…]

Compiles llmgate for every machine, or those named, into the layout that install.sh reads:
  FOLDER/latest                          the version
  FOLDER/v<version>/llmgate-<version>-<target>
  FOLDER/v<version>/checksums.txt        SHA-256 of each
FOLDER is dist/release unless --out says otherwise. Serve it and set LLMGATE_BASE_URL to try it.
Targets: ${TARGETS.map((target) => target.name).join(' ')}
`;

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    out: { type: 'string' },
    targets: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});

if (values.help === true) {
  process.stdout.write(HELP);
} else {
  const out = values.out === undefined ? join(ROOT, 'dist/release') : resolve(values.out);
  await release(out, values.targets?.split(',').map(getTarget) ?? TARGETS);
}

async function release(out: string, targets: readonly Target[]): Promise<void> {
  const folder = join(out, `v${version}`);
  mkdirSync(folder, { recursive: true });
  const native = getNativeTarget();
  const assets: string[] = [];
  for (const target of targets) {
    const asset = `llmgate-${version}-${target.name}`;
    const outFile = join(folder, asset);
    // Bun's own executable serves this machine's target; the others come from npm.
    const bunExecutable = target.name === native.name ? undefined : ensureBunExecutable(target);
    await buildBinary({ target, outFile, bunExecutable });
    const addons = findAddons(outFile);
    if (addons.join() !== target.sqliteEntry) {
      throw new Error(
        `${asset} holds ${addons.join(', ') || 'no addon'}, not ${target.sqliteEntry}`,
      );
    }
    const megabytes = (statSync(outFile).size / 1e6).toFixed(1).padStart(6);
    process.stdout.write(`${megabytes} MB  ${asset}  (${target.sqliteEntry})\n`);
    assets.push(asset);
  }
  // Last, so that a folder being filled never looks like a release.
  writeFileSync(join(folder, 'checksums.txt'), renderChecksums(folder, assets));
  writeFileSync(join(out, 'latest'), `${version}\n`);
  process.stdout.write(`${join(folder, 'checksums.txt')}\n`);
}
