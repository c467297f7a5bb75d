import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addMockCommand } from '../../../src/cli/mock.ts';
import { behaviourSchema } from '../../../src/mock/behaviour.ts';
import { FAULT_KINDS, USAGE_FAULTS } from '../../../src/mock/fault.ts';
import { createRecordedIo } from '../../support/run-cli.ts';
import { startTestMock } from '../../support/start-mock.ts';

const TEXT = readFileSync(join(import.meta.dirname, '../../../docs/mock.md'), 'utf8');

function listFlags(): string[] {
  const program = new Command();
  addMockCommand(program, createRecordedIo().io);
  return (program.commands[0]?.options ?? []).map(({ long }) => long ?? '');
}

describe('docs/mock.md', () => {
  test.each([
    ['fault', FAULT_KINDS],
    ['wrong usage', USAGE_FAULTS],
    ['setting', Object.keys(behaviourSchema.shape)],
  ])('names every %s', (_what, names) => {
    expect(names.filter((name) => !TEXT.includes(`\`${name}\``))).toEqual([]);
  });

  test('names every flag, and no other', () => {
    const flags = listFlags();
    const named = new Set(TEXT.match(/(?<=`)--[a-z-]+/g));
    expect([...named].toSorted()).toEqual(flags.toSorted());
  });

  test('names no path that is not answered', async () => {
    await using mock = await startTestMock();
    const paths = new Set(TEXT.match(/(?<=[` ])\/(?:v[12]|mock)\/[a-z/_]+[a-z](?=[`?,])/g));
    expect(paths.size).toBeGreaterThan(15);
    for (const path of paths) {
      const replies = await Promise.all([
        fetch(mock.url + path),
        fetch(mock.url + path, { method: 'POST', body: '{}' }),
      ]);
      expect(
        replies.map(({ status }) => status).every((status) => status === 404),
        path,
      ).toBe(false);
    }
  });
});
