import type { SeededRandom } from './seeded-random.ts';

/** The text of a random JSON object, with the spacing and escapes that real clients never send. */
export function randomJsonObject(random: SeededRandom, depth = 3): string {
  const names = new Set<string>();
  while (names.size < random.int(6)) names.add(random.pick(NAMES));
  const members = [...names].map(
    (name) =>
      `${space(random)}${spell(name, random)}${space(random)}:${space(random)}` +
      `${randomJsonValue(random, depth - 1)}${space(random)}`,
  );
  return `{${members.join(',') || space(random)}}`;
}

const NAMES = ['model', 'stream', 'seed', 'messages', 'a b', 'ключ', 'x"y', 'back\\slash', 'n', ''];
const SCALARS = [
  ...['null', 'true', 'false', '0', '-0.5e+10', '12345678901234567890', '1e400', '""'],
  ...['"\\\\"', '"\\""', '"\\\\\\""', '"a\\u0022b"', '"{[,:]}"', '"日本語"', '"😀"', '"\\ud800"'],
  ...[`"${'long '.repeat(20)}\\"${'tail '.repeat(20)}"`, '" \\n\\t "', '"data: x\\n\\n"'],
];

function randomJsonValue(random: SeededRandom, depth: number): string {
  const kind = depth > 0 ? random.int(4) : 0;
  if (kind === 2) return randomJsonObject(random, depth);
  if (kind !== 3) return random.pick(SCALARS);
  const items = Array.from({ length: random.int(4) }, () => randomJsonValue(random, depth - 1));
  return `[${space(random)}${items.join(`${space(random)},${space(random)}`)}]`;
}

function spell(name: string, random: SeededRandom): string {
  const plain = JSON.stringify(name);
  const first = name.charCodeAt(0);
  if (random.int(4) > 0 || !/^[a-z]/.test(name)) return plain;
  return `"\\u${first.toString(16).padStart(4, '0')}${plain.slice(2)}`;
}

function space(random: SeededRandom): string {
  return random.pick(['', '', '', ' ', '\n', '\r\n\t', '   ']);
}
