import { describe, expect, test } from 'vitest';
import { KeyReader } from '../../../src/tui/key-press.ts';

describe('KeyReader', () => {
  test.each([
    ['q', ['q']],
    ['jjk', ['j', 'j', 'k']],
    ['\x1b[A\x1b[B\x1bOC\x1b[D', ['up', 'down', 'right', 'left']],
    ['\x1b[H\x1b[F\x1b[1~\x1b[4~', ['home', 'end', 'home', 'end']],
    ['\x1b[5~\x1b[6~\x1b[Z', ['pageup', 'pagedown', 'backtab']],
    ['\r\n\t\x7f\b', ['enter', 'enter', 'tab', 'backspace', 'backspace']],
    ['\x03\x04\x15', ['ctrl+c', 'ctrl+d', 'ctrl+u']],
    ['é漢👩', ['é', '漢', '👩']],
    // A mouse, a focus and a function key mean nothing here, and swallow nothing behind them.
    ['\x1b[<0;10;20Mx', ['x']],
    ['\x1b[Ix', ['x']],
    ['\x1b[15~x', ['x']],
    // Alt and a letter.
    ['\x1bfx', ['x']],
    ['\x00\x1c\x9b', []],
    ['\x1b\x1b[A', ['escape', 'up']],
  ])('%j', (text, keys) => {
    expect(new KeyReader().read(text)).toEqual(keys);
  });

  test('a key may come in several reads', () => {
    const reader = new KeyReader();
    expect(reader.read('\x1b')).toEqual([]);
    expect(reader.isWaiting).toBe(true);
    expect(reader.read('[')).toEqual([]);
    expect(reader.read('Aq')).toEqual(['up', 'q']);
    expect(reader.isWaiting).toBe(false);
  });

  test('an escape that nothing follows is the key', () => {
    const reader = new KeyReader();
    reader.read('\x1b');
    expect(reader.flush()).toEqual(['escape']);
    expect(reader.flush()).toEqual([]);
  });

  test('a sequence without end does not hold keys back for ever', () => {
    const reader = new KeyReader();
    const keys = reader.read(`\x1b[${'1;'.repeat(100)}`);
    expect(reader.isWaiting).toBe(false);
    expect(keys.length).toBeGreaterThan(0);
    expect(reader.read('q')).toEqual(['q']);
  });
});
