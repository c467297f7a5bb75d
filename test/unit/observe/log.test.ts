import { describe, expect, test } from 'vitest';
import { createLog, type Log, type LogOptions } from '../../../src/observe/log.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

function openLog(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({
    level: 'info',
    levels: {},
    format: 'json',
    clock: createFakeClock(),
    sink: { write: (line) => void lines.push(line), flush: () => {} },
    ...options,
  });
  return { log, lines, events: () => lines.map((line) => JSON.parse(line).event) };
}

test('a line is level, time, part of the program, event and fields, in that order', () => {
  const { log, lines } = openLog();
  log.for('backends').warn('attempt_failed', { backend: 'gpu0', code: undefined, ms: 1.5 });
  log.info('plain');
  const [line = '', plain = ''] = lines;
  expect(Object.entries(JSON.parse(line))).toEqual([
    ['level', 'warn'],
    ['time', expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)],
    ['subsystem', 'backends'],
    ['event', 'attempt_failed'],
    ['backend', 'gpu0'],
    ['ms', 1.5],
  ]);
  expect(Object.keys(JSON.parse(plain))).toEqual(['level', 'time', 'event']);
});

test('an error is told with its causes, and no more of it than is useful', () => {
  const { log, lines } = openLog();
  const cause = new Error('no room', { cause: new TypeError('x'.repeat(10_000)) });
  log.error('failed', { cause });
  const [line = ''] = lines;
  expect(JSON.parse(line).cause.messages).toEqual([
    'Error: no room',
    `TypeError: ${'x'.repeat(1_989)}`,
  ]);
  expect(line.length).toBeLessThan(6_000);
});

describe('levels', () => {
  const every = (log: Log) => {
    log.debug('d');
    log.info('i');
    log.warn('w');
    log.error('e');
  };

  test.each([
    { level: 'debug', told: ['d', 'i', 'w', 'e'] },
    { level: 'info', told: ['i', 'w', 'e'] },
    { level: 'warn', told: ['w', 'e'] },
    { level: 'error', told: ['e'] },
  ] as const)('$level and what is worse', ({ level, told }) => {
    const { log, events } = openLog({ level });
    every(log);
    expect(events()).toEqual(told);
    expect(log.isEnabled('info')).toBe(told.length > 2);
  });

  test('a part of the program can have its own, before and after its first line', () => {
    const { log, lines, events } = openLog({ levels: { gateway: 'error' } });
    every(log.for('gateway'));
    every(log.for('store'));
    expect(events()).toEqual(['e', 'i', 'w', 'e']);
    lines.length = 0;
    log.setLevels({ level: 'error', levels: { store: 'debug' } });
    every(log.for('gateway'));
    every(log.for('store'));
    every(log.for('audit'));
    every(log);
    expect(events()).toEqual(['e', 'd', 'i', 'w', 'e', 'e', 'e']);
    expect(log.for('store').levels()).toEqual({ level: 'error', levels: { store: 'debug' } });
  });
});

describe('what must not be in a line', () => {
  const SECRETS = ['canary-of-a-backend', 'canary "quoted" \\ back', 'canary-of'];

  test.each([
    ['a value', { field: 'before canary-of-a-backend after' }],
    ['the name of a field', { 'canary-of-a-backend': 1 }],
    ['quotes and backslashes', { field: 'canary "quoted" \\ back' }],
    ['an error', { cause: new Error('canary-of-a-backend') }],
    ['the cause of an error', { cause: new Error('x', { cause: 'canary-of-a-backend' }) }],
    [
      'the cause of the cause',
      { cause: new Error('x', { cause: new Error('canary-of-a-backend') }) },
    ],
    ['something deep', { a: [{ b: { c: 'canary-of-a-backend' } }] }],
  ])('a configured secret in %s', (_, fields) => {
    const { log, lines } = openLog();
    log.hide(SECRETS);
    log.error('event', fields);
    expect(lines.join('')).not.toContain('canary');
    expect(() => JSON.parse(lines.join(''))).not.toThrow();
  });

  test.each([
    'sk-lg-0123456789ab-abcdefghijklmnopqrstuvwxyz0123456789AB',
    'sk-proj-abcdefghijk',
    'Bearer some.token-of_others',
    'bearer\tsome.token-of_others',
    'authorization: Bearer  dG9rZW4=',
  ])('what looks like one: %s', (text) => {
    const { log, lines } = openLog();
    log.warn('event', { said: text, cause: new Error(text), event_too: { text } });
    expect(lines.join('')).not.toMatch(/abcdefghij|some\.token|dG9rZW4/);
    expect(() => JSON.parse(lines.join(''))).not.toThrow();
  });

  test('words that only look alike stay', () => {
    const { log, lines } = openLog();
    log.hide(['short', '']);
    log.info('bearer', { model: 'task-sk-8b', text: 'short, and a sk-8b too' });
    expect(JSON.parse(lines.join(''))).toMatchObject({
      ...{ event: 'bearer', model: 'task-sk-8b', text: 'short, and a sk-8b too' },
    });
  });
});

describe('a forged line', () => {
  const FORGED = 'x\r\n{"level":"error","event":"forged"}\u2028\u0085\u001b[31m\u009b1m\u202e';

  test('stays in the one it is in, as JSON', () => {
    const { log, lines } = openLog();
    log.info('event', { text: FORGED });
    const [line = ''] = lines;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left.
    expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
    expect(line.endsWith('}\n')).toBe(true);
    expect(JSON.parse(line).text).toBe(FORGED);
  });

  test('and as text, where it can move no cursor', () => {
    const { log, lines } = openLog({ format: 'text' });
    log.info('event', { text: FORGED });
    const [line = ''] = lines;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left.
    expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
    expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}event text="x\\r\\n/);
  });
});

test('who listens is told of every line until it stops, also of other parts', () => {
  const { log } = openLog();
  const heard: string[] = [];
  const stop = log.for('app').onLine((line) => void heard.push(JSON.parse(line).event));
  log.for('store').info('a');
  log.debug('not written');
  stop();
  log.info('b');
  expect(heard).toEqual(['a']);
});
