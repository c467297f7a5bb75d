import { describe, expect, test } from 'vitest';
import { reduceTop } from '../../../src/tui/reduce-top.ts';
import { SCREENS, type TopState } from '../../../src/tui/state.ts';
import { LARGE, requestId, someLiveDocument } from '../../support/some-live-document.ts';
import { frameOf, linesOf, openTopView, press, type } from '../../support/top-view.ts';

const view = openTopView();

describe('screens', () => {
  test.each(SCREENS.map((screen, at) => [String(at + 1), screen]))('%s shows %s', (key, screen) => {
    expect(press(view, key).screen).toBe(screen);
  });

  test.each([
    [['tab'], 'models'],
    [['tab', 'tab'], 'backends'],
    [['backtab'], 'log'],
    [['9', 'tab'], 'overview'],
    [['right', 'left'], 'overview'],
    [['0'], 'overview'],
  ])('%j shows %s', (keys, screen) => {
    expect(press(view, ...keys).screen).toBe(screen);
  });

  test('another screen closes what is open', () => {
    expect(press(view, '3', 'enter', '8').mode).toEqual({ kind: 'browse' });
  });
});

describe('the cursor', () => {
  const backends = press(view, '3');

  test.each([
    [[], 'gpu0'],
    [['j'], 'gpu1'],
    [['down', 'down'], 'gpu2'],
    [['j', 'j', 'k'], 'gpu1'],
    [['up'], 'gpu0'],
    [['G'], 'gpu3'],
    [['G', 'j'], 'gpu3'],
    [['end', 'home'], 'gpu0'],
    [['pagedown'], 'gpu3'],
    [['G', 'pageup'], 'gpu0'],
  ])('%j is on %s', (keys, backend) => {
    expect(linesOf(press(backends, ...keys)).cursor).toMatch(new RegExp(`^${backend} `));
  });

  test('stays on its row while rows change places', () => {
    const state = press(view, '8', 'j', 'j');
    expect(linesOf(state).cursor).toContain('000002');
    const next = reduceTop(state, {
      type: 'document',
      document: { ...someLiveDocument(91), requests: someLiveDocument(91).requests.toReversed() },
    });
    expect(linesOf(next).cursor).toContain('000002');
  });

  test('stays at the top when it was never moved', () => {
    const next = reduceTop(press(view, '8'), {
      type: 'document',
      document: { ...someLiveDocument(91), requests: someLiveDocument(91).requests.slice(3) },
    });
    expect(linesOf(next).cursor).toContain('000003');
  });

  test('of the log follows the end, until it is moved', () => {
    const log = press(view, '9');
    const at = (state: TopState) => linesOf(state).cursor.slice(0, 8);
    const later = { type: 'document', document: someLiveDocument(100, undefined, 180) } as const;
    expect(at(log)).toBe('09:01:30');
    expect(at(reduceTop(log, later))).toBe('09:01:40');
    expect(at(reduceTop(press(log, 'k'), later))).toBe(at(press(log, 'k')));
    expect(at(reduceTop(press(log, 'k', 'G'), later))).toBe('09:01:40');
  });

  test('is always in sight, down and up a long list', () => {
    let state = press(openTopView({ size: LARGE, seconds: 2 }), '8');
    for (const key of ['j', 'k']) {
      for (let step = 0; step < 230; step += 1) {
        state = press(state, key);
        expect(linesOf(state).cursor).not.toBe('');
      }
    }
    expect(linesOf(state).cursor).toContain('000000');
  });
});

describe('filter', () => {
  const backends = press(view, '3');

  test('works while it is typed, and Esc shows all again', () => {
    const typing = press(backends, '/', 'd', 'r', 'a');
    expect(frameOf(typing)).toContain('gpu3');
    expect(frameOf(typing)).not.toContain('gpu0');
    expect(frameOf(press(typing, 'escape'))).toContain('gpu0');
    const kept = press(typing, 'enter');
    expect(linesOf(kept).footer).toContain('/dra (Esc shows all)');
    expect(frameOf(press(kept, 'escape'))).toContain('gpu0');
  });

  test('keys of commands are text in it; backspace and Ctrl-U take it back', () => {
    const typing = press(backends, '/', 'q', '1', '?');
    expect(typing.tables.backends.filter).toBe('q1?');
    expect(frameOf(typing)).toContain('nothing matches "q1?"');
    expect(press(typing, 'backspace').tables.backends.filter).toBe('q1');
    expect(press(typing, 'ctrl+u').tables.backends.filter).toBe('');
    expect(press(typing, 'ctrl+u', 'backspace').mode.kind).toBe('browse');
  });

  test('has a longest text', () => {
    const typing = press(backends, '/', ...Array.from({ length: 1_000 }, () => 'x'));
    expect(typing.tables.backends.filter).toHaveLength(200);
  });
});

describe('sorting', () => {
  const order = (state: TopState) =>
    frameOf(state)
      .split('\n')
      .map((line) => /^[> ] (gpu\d)/.exec(line)?.[1])
      .filter((id) => id !== undefined)
      .join(' ');
  const backends = press(view, '3');

  test.each([
    [[], 'gpu0 gpu1 gpu2 gpu3'],
    [['r'], 'gpu3 gpu2 gpu1 gpu0'],
    [['s'], 'gpu0 gpu1 gpu2 gpu3'],
    [['s', 's'], 'gpu2 gpu3 gpu0 gpu1'],
    [['s', 's', 'r'], 'gpu0 gpu1 gpu3 gpu2'],
    [['s', 's', 'S'], 'gpu0 gpu1 gpu2 gpu3'],
    [['s', 's', 's', '<'], 'gpu2 gpu3 gpu0 gpu1'],
  ])('%j gives %s', (keys, expected) => {
    expect(order(press(backends, ...keys))).toBe(expected);
  });

  test('numbers begin with the largest; what is not known comes last either way round', () => {
    const byTtft = type(press(backends, ':'), 'sort ttft');
    expect(order(byTtft)).toBe('gpu3 gpu1 gpu0 gpu2');
    expect(order(press(byTtft, 'r'))).toBe('gpu0 gpu1 gpu3 gpu2');
  });
});

describe('actions', () => {
  test.each([
    [['3', 'x'], { kind: 'drain', backend: 'gpu0' }],
    [['3', 'j', 'u'], { kind: 'resume', backend: 'gpu1' }],
    [['3', 'enter', 'x'], { kind: 'drain', backend: 'gpu0' }],
    [['4', 'x'], { kind: 'suspend', key: 'k00000000000' }],
    [['4', 'j', 'u'], { kind: 'unsuspend', key: 'k00000000003' }],
    [['8', 'j', 'x'], { kind: 'cancel', request: requestId(1) }],
  ])('%j asks, and only y does it', (keys, action) => {
    const asked = press(view, ...keys);
    expect(linesOf(asked).footer).toMatch(/\? \[y\/N\]$/);
    expect(asked.action).toBeNull();
    expect(press(asked, 'y').action).toEqual(action);
    for (const key of ['n', 'enter', 'escape', 'q', ' ', 'j']) {
      const answered = press(asked, key);
      expect(answered.action).toBeNull();
      expect(answered.isOver).toBe(false);
      expect(linesOf(answered).footer).toBe('nothing was done');
    }
  });

  test.each([[['1', 'x']], [['2', 'x']], [['5', 'x']], [['7', 'u']], [['9', 'x']], [['8', 'u']]])(
    '%j has nothing to do',
    (keys) => {
      expect(press(view, ...keys).mode.kind).toBe('browse');
    },
  );

  test('a request that has ended cannot be cancelled', () => {
    const state = press(view, '8', 'G', 'x');
    expect(linesOf(state).footer).toBe('only a request in flight can be cancelled');
  });

  test('what came of it is said', () => {
    const acted = (ok: boolean) => reduceTop(view, { type: 'acted', ok, text: 'it is stuck' });
    expect(linesOf(acted(false)).footer).toBe('it is stuck');
    expect(acted(false).notice?.tone).toBe('bad');
  });
});

describe('commands', () => {
  const run = (text: string) => type(press(view, ':'), text);

  test.each(['q', 'quit', 'q!', 'exit'])(':%s quits', (text) => {
    expect(run(text).isOver).toBe(true);
  });

  test.each([
    ['backends', 'backends'],
    ['req', 'requests'],
    ['GPU', 'gpus'],
    ['k', 'keys'],
    ['  log  ', 'log'],
  ])(':%s shows %s', (text, screen) => {
    expect(run(text).screen).toBe(screen);
  });

  test.each([
    ['drain gpu1', { kind: 'drain', backend: 'gpu1' }],
    ['resume gpu1', { kind: 'resume', backend: 'gpu1' }],
    ['suspend alice in lab', { kind: 'suspend', key: 'alice in lab' }],
    ['unsuspend alice', { kind: 'unsuspend', key: 'alice' }],
    ['cancel r1', { kind: 'cancel', request: 'r1' }],
  ])(':%s asks first', (text, action) => {
    const asked = run(text);
    expect(asked.mode).toMatchObject({ kind: 'confirm', action });
    expect(press(asked, 'y').action).toEqual(action);
  });

  test.each([
    ['interval 250ms', 250],
    ['interval 2', 2_000],
    ['interval 0.5s', 500],
  ])(':%s', (text, intervalMs) => {
    expect(run(text).intervalMs).toBe(intervalMs);
  });

  test.each([
    ['drain', ':drain needs a name'],
    ['nonsense', 'there is no command "nonsense"; ? shows all'],
    ['interval 1ms', 'an interval is 100ms to 10s, such as 500ms or 2s'],
    ['interval soon', 'an interval is 100ms to 10s, such as 500ms or 2s'],
    ['sort colour', 'this screen cannot be sorted by "colour"'],
  ])(':%s is refused', (text, message) => {
    expect(linesOf(run(text)).footer).toBe(message);
  });

  test('Esc and an empty line change nothing', () => {
    expect(press(view, ':', 'q', 'escape')).toEqual(view);
    expect(run('')).toEqual(view);
  });
});

describe('pause and interval', () => {
  test('while it is stopped no document changes anything', () => {
    const paused = press(view, 'p');
    expect(linesOf(paused).header).toContain('PAUSED');
    expect(reduceTop(paused, { type: 'document', document: someLiveDocument(200) })).toBe(paused);
    expect(press(paused, ' ').isPaused).toBe(false);
  });

  test.each([
    [['+'], 2_000],
    [['='], 2_000],
    [['-'], 500],
    [['-', '-', '-', '-', '-'], 100],
    [['+', '+', '+', '+', '+'], 10_000],
  ])('%j looks every %i ms', (keys, intervalMs) => {
    expect(press(view, ...keys).intervalMs).toBe(intervalMs);
  });
});

describe('the gateway', () => {
  const gone = (state: TopState, nowMs: number) =>
    reduceTop(state, { type: 'lost', problem: 'nobody answers', nowMs });

  test('is shown as gone with its last figures, for how long, and as back', () => {
    const lost = gone(gone(view, 10_000), 75_000);
    expect(linesOf(lost).header).toMatch(/^GATEWAY GONE for 1m 5s, last figures: nobody answers/);
    expect(frameOf(lost)).toContain('requests/s              50');
    const back = reduceTop(lost, { type: 'document', document: someLiveDocument(91) });
    expect(linesOf(back)).toMatchObject({ footer: 'the gateway is back' });
    expect(linesOf(back).header).toContain('serving');
  });

  test('that was started again begins its figures anew', () => {
    const document = someLiveDocument(3);
    const other = reduceTop(gone(view, 0), {
      type: 'document',
      document: {
        ...document,
        gateway: { ...document.gateway, started_at: '2026-11-18T12:00:00.000Z' },
      },
    });
    expect(linesOf(other).footer).toBe('the gateway was started again at 12:00:00');
    expect(other.history?.points).toEqual([]);
    expect(other.finished).toHaveLength(document.finished.length);
    expect(other.log).toHaveLength(document.log.length);
    expect(frameOf(press(other, '1'))).not.toContain('NaN');
  });

  test('that drains says so', () => {
    const document = someLiveDocument(91);
    const draining = { ...document, gateway: { ...document.gateway, draining: true } };
    const state = reduceTop(view, { type: 'document', document: draining });
    expect(linesOf(state).header).toContain('DRAINING');
  });
});

test('what is kept of requests and of the log has a bound', () => {
  let state = view;
  for (let second = 100; second < 3_000; second += 10) {
    const document = someLiveDocument(second, undefined, state.document?.seq ?? 0);
    state = reduceTop(state, { type: 'document', document });
  }
  expect(state.finished).toHaveLength(500);
  expect(state.log).toHaveLength(500);
  expect(state.history?.readings.length).toBeLessThan(70);
  expect(state.history?.slices.length).toBeLessThan(20);
  expect(state.history?.points).toHaveLength(180);
});

test('a row that is gone is told as gone', () => {
  const detail = press(view, '8', 'enter');
  const next = reduceTop(detail, {
    ...{ type: 'document', document: { ...someLiveDocument(91), requests: [] } },
  });
  expect(frameOf(next)).toContain('it is not there any more');
});

test.each([['q'], ['ctrl+c']])('%s quits from everywhere but a question', (key) => {
  for (const keys of [[], ['3'], ['3', 'enter'], ['?'], ['p']]) {
    expect(press(view, ...keys, key).isOver).toBe(true);
  }
  expect(press(view, '3', 'x', 'ctrl+c').isOver).toBe(true);
});

test('a resize to the same size draws nothing', () => {
  expect(reduceTop(view, { type: 'resized', columns: 80, rows: 24 })).toBe(view);
  expect(reduceTop(view, { type: 'resized', columns: 81, rows: 24 }).columns).toBe(81);
});
