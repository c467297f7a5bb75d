import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { REQUEST_STAGES } from '../../../src/admin/explain-schemas.ts';
import { addExplainCommand } from '../../../src/cli/explain.ts';
import { DRY_STAGES } from '../../../src/gateway/dry-run.ts';
import { runCli } from '../../support/run-cli.ts';

const text = readFileSync(new URL('../../../docs/explain.md', import.meta.url), 'utf8');

test('both pictures show the stages that there are, in their order', () => {
  const pictures = text.match(/^Stages\n(?: .*\n)+/gm) ?? [];
  const stages = pictures.map((picture) =>
    [...picture.matchAll(/^ {2}(\w+) +(?:ok|END) /gm)].map(([, stage]) => stage),
  );
  expect(stages).toEqual([[...REQUEST_STAGES], [...DRY_STAGES]]);
});

test('no picture is wider than a terminal', () => {
  for (const [, picture = ''] of text.matchAll(/^```\n((?:.*\n)*?)```/gm)) {
    for (const line of picture.split('\n')) {
      // Comments behind commands may be longer.
      if (!line.startsWith('llmgate')) expect(line.length).toBeLessThanOrEqual(80);
    }
  }
});

test('every flag of its own is told', async () => {
  const { out } = await runCli(addExplainCommand, ['explain', '--help']);
  const flags = [...out.matchAll(/^ {2}(--\w+) <(?!when|url|dir)/gm)].map(([, flag]) => flag ?? '');
  expect(flags).toEqual(['--key', '--model', '--endpoint', '--body', '--header']);
  for (const flag of flags) expect(text).toContain(flag);
});
