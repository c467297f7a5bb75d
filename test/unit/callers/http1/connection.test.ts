import { describe, expect, test } from 'vitest';
import {
  BodyTooLarge,
  type BodyWriter,
  CallerGone,
  type CallerRequest,
} from '../../../../src/callers/http1/caller-request.ts';
import { openCallerConnectionLab } from '../../../support/caller-connection-lab.ts';

const GET = 'GET /a HTTP/1.1\r\nhost: a\r\n\r\n';
const POST = 'POST /a HTTP/1.1\r\nhost: a\r\n';

/** A lab whose requests are answered by hand. */
function openManualLab() {
  const requests: CallerRequest[] = [];
  const lab = openCallerConnectionLab((request) => void requests.push(request));
  const last = (): CallerRequest => {
    const request = requests.at(-1);
    if (request === undefined) throw new Error('nothing was asked');
    return request;
  };
  return { lab, requests, last };
}

/** A streamed answer that has begun. */
function openStreamLab(head = GET) {
  const { lab, last } = openManualLab();
  lab.receive(head);
  const writer: BodyWriter = last().begin(200, { 'content-type': 'text/plain' });
  return { lab, writer, request: last() };
}

describe('replies', () => {
  test('head and body leave in one write, with length and date', () => {
    const { lab, last } = openManualLab();
    lab.receive(GET);
    last().reply(404, { 'x-a': 'b' }, 'ä');
    expect(lab.socket.written).toBe(
      'HTTP/1.1 404 Not Found\r\nx-a: b\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n' +
        'content-length: 2\r\n\r\n\xc3\xa4',
    );
    expect(lab.socket.writes).toBe(1);
  });

  test('the date goes on', () => {
    const { lab, last } = openManualLab();
    for (const second of ['00', '01']) {
      lab.receive(GET);
      last().reply(200, {}, '');
      expect(lab.socket.written).toContain(`date: Thu, 01 Jan 1970 00:00:${second} GMT\r\n`);
      lab.clock.advance(1_000);
    }
  });

  test('to HEAD have no body', () => {
    const { lab, last } = openManualLab();
    lab.receive(GET.replace('GET', 'HEAD'));
    last().reply(200, {}, 'four');
    expect(lab.socket.written).toMatch(/content-length: 4\r\n\r\n$/);
    lab.receive(GET.replace('GET', 'HEAD'));
    const writer = last().begin(200, {});
    writer.write(Buffer.from('x'));
    writer.end(Buffer.from('y'));
    expect(lab.socket.written).toMatch(/transfer-encoding: chunked\r\n\r\n$/);
  });

  test.each([
    ['a line break in a value', { 'x-a': 'b\r\nx-c: d' }],
    ['a NUL in a value', { 'x-a': '\0' }],
    ['what Latin-1 cannot say', { 'x-a': '\u0100' }],
    ['a line break in a name', { 'x-a: 1\r\nx-b': '1' }],
    ['an upper-case name', { 'X-A': '1' }],
    ['an empty name', { '': '1' }],
    ['framing of its own', { 'content-length': '1' }],
    ['coding of its own', { 'transfer-encoding': 'chunked' }],
    ['a connection of its own', { connection: 'keep-alive' }],
  ])('with %s are refused, and nothing is written', (_, fields) => {
    const { lab, last } = openManualLab();
    lab.receive(GET);
    expect(() => last().reply(200, fields as Record<string, string>, '')).toThrow(/header/);
    expect(lab.socket.written).toBe('');
  });

  test('an interim status is no reply', () => {
    const { lab, last } = openManualLab();
    lab.receive(GET);
    expect(() => last().reply(101, {}, '')).toThrow('101');
  });

  test('the second one to a request does nothing', () => {
    const { lab, last } = openManualLab();
    lab.receive(GET);
    last().reply(200, {}, 'a');
    const { written } = lab.socket;
    last().reply(200, {}, 'b');
    last().begin(200, {}).end(Buffer.from('c'));
    expect(lab.socket.written).toBe(written);
  });

  test('a caller that is slow to read gets all of it, in order', () => {
    const { lab, last } = openManualLab();
    lab.socket.room = 10;
    lab.receive(GET);
    const body = Buffer.alloc(200_000, 'abc');
    last().reply(200, {}, body);
    while (lab.socket.written.length < 200_000) {
      lab.socket.room = 7_001;
      lab.connection.drained();
    }
    expect(lab.socket.written.endsWith(`\r\n\r\n${body.toString()}`)).toBe(true);
  });

  test('the last one closes when the caller has closed, or two seconds later', () => {
    const { lab, last } = openManualLab();
    lab.receive(GET);
    last().closeAfter();
    last().reply(200, {}, 'x');
    expect(lab.socket.written).toContain('connection: close\r\n');
    expect([lab.socket.isShut, lab.socket.isClosed]).toEqual([true, false]);
    lab.clock.advance(2_000);
    expect(lab.connection.dueMs).toBeLessThanOrEqual(lab.clock.monotonicMs());
    lab.connection.expire();
    expect([lab.socket.isClosed, lab.closed]).toEqual([true, 1]);
  });

  test('while the server stops every one is the last', () => {
    const { lab, last } = openManualLab();
    lab.receive(GET);
    lab.isStopping = true;
    last().reply(200, {}, 'x');
    expect(lab.socket.written).toContain('connection: close\r\n');
    expect(lab.socket.isShut).toBe(true);
  });
});

describe('streamed replies', () => {
  test('the head leaves with the first chunk, the end with the last', () => {
    const { lab, writer } = openStreamLab();
    expect(lab.socket.written).toBe('');
    expect(writer.write(Buffer.from('hello'))).toBe(true);
    expect(lab.socket.written).toMatch(/\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n$/);
    writer.write(Buffer.alloc(0));
    writer.end(Buffer.alloc(17, 'x'));
    expect(lab.socket.written).toMatch(/\r\n5\r\nhello\r\n11\r\nx{17}\r\n0\r\n\r\n$/);
    expect(lab.socket.writes).toBe(2);
    expect(lab.summary()).toMatch(/open$/);
  });

  test('an end without a last piece', () => {
    const { lab, writer } = openStreamLab();
    writer.end(null);
    expect(lab.socket.written).toMatch(/chunked\r\n\r\n0\r\n\r\n$/);
  });

  test('one that ends while the server stops is the last of its connection', () => {
    const { lab, writer } = openStreamLab();
    writer.write(Buffer.from('a'));
    lab.isStopping = true;
    writer.end(null);
    expect(lab.socket.isShut).toBe(true);
  });

  test('a large chunk is not copied together', () => {
    const { lab, writer } = openStreamLab();
    writer.end(Buffer.alloc(100_000, 'x'));
    expect(lab.socket.written).toMatch(/\r\n\r\n186a0\r\nx{100000}\r\n0\r\n\r\n$/);
  });

  test('HTTP/1.0 has no chunks: the end of the connection is the end', () => {
    const { lab, writer } = openStreamLab('GET /a HTTP/1.0\r\n\r\n');
    writer.write(Buffer.from('a'));
    writer.end(Buffer.from('b'));
    expect(lab.socket.written).toMatch(/connection: close\r\ndate: [^\r]*\r\n\r\nab$/);
    expect(lab.socket.isShut).toBe(true);
  });

  test('a torn one has no end, and its caller is not told to be gone', () => {
    const { lab, writer, request } = openStreamLab();
    let gone = 0;
    request.onGone = () => {
      gone += 1;
    };
    writer.write(Buffer.from('a'));
    writer.tear();
    expect(lab.socket.written).toMatch(/1\r\na\r\n$/);
    expect([lab.socket.isClosed, lab.closed, gone]).toEqual([true, 1, 0]);
    writer.end(Buffer.from('b'));
    expect(lab.socket.written).toMatch(/1\r\na\r\n$/);
  });

  test('what is written while bytes wait comes after them', () => {
    const { lab, writer } = openStreamLab();
    lab.socket.room = 0;
    writer.write(Buffer.from('a'));
    lab.socket.room = Number.POSITIVE_INFINITY;
    writer.write(Buffer.from('b'));
    writer.write(Buffer.alloc(70_000, 'c'));
    expect(lab.socket.written).toBe('');
    lab.connection.drained();
    expect(lab.socket.written).toMatch(/\r\n\r\n1\r\na\r\n1\r\nb\r\n11170\r\nc{70000}\r\n$/);
  });

  test('a caller that does not read is waited for', () => {
    const { lab, writer } = openStreamLab();
    let drained = 0;
    writer.onDrained = () => {
      drained += 1;
    };
    lab.socket.room = 1_000;
    expect(writer.write(Buffer.alloc(60_000))).toBe(true);
    expect(writer.write(Buffer.alloc(60_000))).toBe(false);
    lab.socket.room = 50_000;
    lab.connection.drained();
    expect(drained).toBe(0);
    lab.socket.room = Number.POSITIVE_INFINITY;
    lab.connection.drained();
    expect(drained).toBe(1);
    expect(writer.write(Buffer.from('x'))).toBe(true);
  });
});

describe('callers that leave', () => {
  test('are noticed once, wherever the request is', () => {
    const { lab, last } = openManualLab();
    lab.receive(GET);
    let gone = 0;
    last().onGone = () => {
      gone += 1;
    };
    lab.connection.lost();
    lab.connection.lost();
    last().reply(200, {}, 'x');
    expect([gone, lab.closed, lab.socket.written]).toEqual([1, 1, '']);
  });

  test('in the middle of a body', async () => {
    const { lab, last } = openManualLab();
    lab.receive(`${POST}content-length: 5\r\n\r\nhe`);
    const body = last().readBody(100);
    lab.connection.lost();
    await expect(body).rejects.toBeInstanceOf(CallerGone);
  });

  test('before anybody asks for the body', () => {
    const { lab, last } = openManualLab();
    lab.receive(`${POST}content-length: 5\r\n\r\nhe`);
    lab.connection.lost();
    expect(() => last().readBody(100)).toThrow(CallerGone);
  });

  test('after the reply nobody is told', () => {
    const { lab, last } = openManualLab();
    lab.receive(GET);
    last().onGone = () => expect.unreachable();
    last().reply(200, {}, 'x');
    lab.connection.lost();
    expect(lab.closed).toBe(1);
  });
});

describe('bodies', () => {
  test('that are whole are there at once', () => {
    const { lab, last } = openManualLab();
    lab.receive(`${POST}content-length: 5\r\n\r\nhello`);
    expect(Buffer.from(last().readBody(5) as Uint8Array).toString()).toBe('hello');
  });

  test('a stated length beyond the bound is refused before it comes', () => {
    const { lab, last } = openManualLab();
    lab.receive(`${POST}content-length: 6\r\n\r\nh`);
    expect(() => last().readBody(5)).toThrow(BodyTooLarge);
  });

  test('chunks beyond the bound are refused as they come, and not kept', async () => {
    const { lab, last } = openManualLab();
    lab.receive(`${POST}transfer-encoding: chunked\r\n\r\n`);
    const body = last().readBody(5);
    lab.receive('3\r\nabc\r\n');
    lab.receive('3\r\nabc\r\n');
    await expect(body).rejects.toBeInstanceOf(BodyTooLarge);
    last().reply(413, {}, '');
    lab.receive('3\r\nabc\r\n');
    expect(lab.summary()).toBe('413 closed');
  });

  test('of unstated length are counted as they come, and may be too much', async () => {
    const { lab, last } = openManualLab();
    lab.receive(`${POST}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`);
    const counted: number[] = [];
    const body = last().readBody(100, (sizeBytes) => {
      counted.push(sizeBytes);
      if (counted.length === 3) throw new Error('no room');
    });
    lab.receive('2\r\nde\r\n');
    lab.receive('1\r\nf\r\n');
    lab.receive('1\r\ng\r\n');
    await expect(body).rejects.toThrow('no room');
    expect(counted).toEqual([3, 2, 1]);
  });

  test('of stated length are counted by who knows it', () => {
    const { lab, last } = openManualLab();
    lab.receive(`${POST}content-length: 5\r\n\r\nhello`);
    last().readBody(100, () => expect.unreachable());
    expect(last().framing).toBe(5);
  });

  test('nobody asks for make the caller wait', async () => {
    const { lab, last } = openManualLab();
    const size = 400_000;
    lab.receive(`${POST}content-length: ${size}\r\n\r\n`);
    lab.receive('x'.repeat(300_000));
    expect(lab.socket.isPaused).toBe(true);
    const body = last().readBody(size);
    expect(lab.socket.isPaused).toBe(false);
    lab.receive('x'.repeat(100_000));
    expect((await body).length).toBe(size);
  });

  test('a caller that waits to be told to go on is told when the body is wanted', async () => {
    const { lab, last } = openManualLab();
    lab.receive(`${POST}expect: 100-Continue\r\ncontent-length: 5\r\n\r\n`);
    expect(lab.socket.written).toBe('');
    const body = last().readBody(100);
    expect(lab.socket.written).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    lab.receive('hello');
    expect(Buffer.from(await body).toString()).toBe('hello');
  });

  test('a refused request is not told to go on, and its connection is closed', () => {
    const { lab, last } = openManualLab();
    lab.receive(`${POST}expect: 100-continue\r\ncontent-length: 5\r\n\r\n`);
    last().reply(401, {}, '');
    lab.receive('hello');
    expect(lab.summary()).toBe('401 closed');
  });
});

describe('requests sent ahead', () => {
  test('wait for the replies before them', async () => {
    const { lab, requests } = openManualLab();
    lab.receive(GET + GET.replace('/a', '/b'));
    expect(requests.map(({ path }) => path)).toEqual(['/a']);
    requests[0]?.reply(200, {}, '');
    await lab.settled();
    expect(requests.map(({ path }) => path)).toEqual(['/a', '/b']);
  });

  test('more than a head of them make the caller wait', async () => {
    const { lab, requests, last } = openManualLab();
    lab.receive(GET.repeat(1_000));
    lab.receive(GET.repeat(2_000));
    expect(lab.socket.isPaused).toBe(true);
    for (let answered = 0; answered < 3_000; answered += 1) {
      last().reply(200, {}, '');
      await lab.settled();
    }
    expect([requests.length, lab.socket.isPaused]).toEqual([3_000, false]);
  });

  test('whoever does not read gets no more replies', async () => {
    const { lab, requests, last } = openManualLab();
    lab.socket.room = 0;
    lab.receive(GET + GET);
    last().reply(200, {}, 'x');
    await lab.settled();
    lab.receive(GET);
    expect(requests).toHaveLength(1);
    lab.socket.room = Number.POSITIVE_INFINITY;
    lab.connection.drained();
    expect(requests).toHaveLength(2);
  });

  test('are not read after the last reply', async () => {
    const { lab, requests, last } = openManualLab();
    lab.receive(GET + GET);
    last().closeAfter();
    last().reply(200, {}, '');
    await lab.settled();
    expect(requests).toHaveLength(1);
  });
});

describe('deadlines', () => {
  const remainingMs = ({ lab }: ReturnType<typeof openManualLab>) =>
    Math.round(lab.connection.dueMs - lab.clock.monotonicMs());

  test('a new connection must say something soon', () => {
    expect(remainingMs(openManualLab())).toBe(30_000);
  });

  test('a head must be whole in time, however slowly its bytes come', () => {
    const open = openManualLab();
    for (const byte of GET.slice(0, 20)) {
      open.lab.receive(byte);
      open.lab.clock.advance(1_000);
    }
    expect(remainingMs(open)).toBe(10_000);
  });

  test('while a request is answered the caller may be silent', () => {
    const open = openManualLab();
    open.lab.receive(GET);
    expect(remainingMs(open)).toBe(Number.POSITIVE_INFINITY);
    open.last().reply(200, {}, '');
    expect(remainingMs(open)).toBe(120_000);
  });

  test('each piece of a body gives it more time', () => {
    const open = openManualLab();
    open.lab.receive(`${POST}content-length: 5\r\n\r\nh`);
    open.lab.clock.advance(60_000);
    open.lab.receive('e');
    expect(remainingMs(open)).toBe(120_000);
  });

  test('an idle connection ends politely, one in a request does not and tells', () => {
    const idle = openManualLab();
    idle.lab.connection.expire();
    expect([idle.lab.socket.isClosed, idle.lab.closed]).toEqual([true, 1]);
    const busy = openManualLab();
    busy.lab.receive(`${POST}content-length: 5\r\n\r\nh`);
    let gone = 0;
    busy.last().onGone = () => {
      gone += 1;
    };
    busy.lab.connection.expire();
    expect([busy.lab.socket.isClosed, gone]).toEqual([true, 1]);
  });
});

test('what a handler throws is told, and closes its connection', () => {
  const lab = openCallerConnectionLab(() => {
    throw new Error('a bug');
  });
  lab.receive(GET + GET);
  expect(lab.faults).toEqual([new Error('a bug')]);
  expect([lab.socket.isClosed, lab.closed]).toEqual([true, 1]);
});

test('requests that repeat their head share its headers', () => {
  const { lab, requests, last } = openManualLab();
  for (const body of ['a', 'bcd', 'a']) {
    lab.receive(`${POST}content-length: ${body.length}\r\n\r\n${body}`);
    expect(Buffer.from(last().readBody(9) as Uint8Array).toString()).toBe(body);
    last().reply(200, {}, '');
  }
  expect(new Set(requests.map(({ headers }) => headers)).size).toBe(1);
  lab.receive(GET);
  expect(last().headers).not.toBe(requests[0]?.headers);
});
