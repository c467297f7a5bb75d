import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addValidateCommand } from '../../../src/cli/validate.ts';
import { runCli } from '../../support/run-cli.ts';
import { testDir } from '../../support/test-dir.ts';

const GOOD = `
backends:
  gpu0: { type: vllm, url: "http://127.0.0.1:8000" }
  gpu1: { type: vllm, url: "http://127.0.0.1:8001" }
models:
  a: { targets: [gpu0, gpu1] }
limits: [{ per: key, requests: 5/s }]
`;
const BAD =
  'backends:\n  gpu0: { type: vlm, url: "http://127.0.0.1:8000" }\nlog: { level: loud }\n';

function validate(args: string[], options: { cwd: string; env?: Record<string, string> }) {
  return runCli(addValidateCommand, ['validate', ...args], options);
}

test('a valid file is summed up in one line', async () => {
  const cwd = testDir();
  writeFileSync(join(cwd, 'llmgate.yaml'), GOOD);
  expect(await validate([], { cwd })).toEqual({
    out: 'llmgate.yaml is valid: 2 backends, 1 model, 1 limit\n',
    err: '',
    exitCode: 0,
  });
});

test('problems are the data: all on stdout, how many on stderr, code 78', async () => {
  const cwd = testDir();
  writeFileSync(join(cwd, 'bad.yaml'), BAD);
  const { out, err, exitCode } = await validate(['bad.yaml'], { cwd });
  expect(out).toContain('bad.yaml:2:17: backends.gpu0.type: must be one of');
  expect(out).toContain('bad.yaml:3:15: log.level: must be one of');
  expect(err).toBe('bad.yaml: 2 problems\n');
  expect(exitCode).toBe(78);
});

test('--json is one document with stable keys', async () => {
  const cwd = testDir();
  writeFileSync(join(cwd, 'bad.yaml'), BAD);
  const { out, err, exitCode } = await validate(['bad.yaml', '--json'], { cwd });
  expect(JSON.parse(out)).toEqual({
    file: 'bad.yaml',
    valid: false,
    problems: [
      {
        line: 2,
        column: 17,
        path: 'backends.gpu0.type',
        message: expect.stringContaining('must be one of vllm'),
        hint: 'did you mean "vllm"?',
      },
      {
        line: 3,
        column: 15,
        path: 'log.level',
        message: 'must be one of debug, info, warn, error',
        hint: null,
      },
    ],
    warnings: [],
  });
  expect([err, exitCode]).toEqual(['', 78]);
});

test('warnings leave a file valid', async () => {
  const cwd = testDir();
  writeFileSync(join(cwd, 'llmgate.yaml'), `listen: 0.0.0.0:80\n${GOOD}`);
  const { out, exitCode } = await validate([], { cwd });
  expect(out).toMatch(/^llmgate\.yaml:1:9: warning: listen: .*\n(.*\n)+llmgate\.yaml is valid: /);
  expect(exitCode).toBe(0);
  const json: unknown = JSON.parse((await validate(['--json'], { cwd })).out);
  expect(json).toMatchObject({ valid: true, problems: [], warnings: [{ path: 'listen' }] });
});

test('the file is found as serve finds it', async () => {
  const cwd = testDir();
  writeFileSync(join(cwd, 'named.yaml'), GOOD);
  const env = { LLMGATE_CONFIG: 'named.yaml' };
  expect((await validate([], { cwd, env })).out).toContain('named.yaml is valid');
  expect((await validate(['-c', 'other.yaml'], { cwd, env })).out).toBe(
    'other.yaml: does not exist\n',
  );
});

test.skipIf(existsSync('/etc/llmgate/config.yaml'))(
  'without any file it says where it looked',
  async () => {
    const { out, err, exitCode } = await validate([], { cwd: '/nonexistent' });
    expect([out, exitCode]).toEqual(['', 3]);
    expect(err).toContain('/nonexistent/llmgate.yaml, /etc/llmgate/config.yaml');
  },
);
