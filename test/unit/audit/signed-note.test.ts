import { createHash, createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseCheckpointText, toCheckpointText } from '../../../src/audit/checkpoint-text.ts';
import {
  checkSignature,
  createSigningKey,
  parseVerifierKey,
  signNote,
  splitNote,
} from '../../../src/audit/signed-note.ts';

// The first key of RFC 8032, section 7.1.
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const PUBLIC = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
const NAME = 'llmgate/00000000-0000-4000-8000-000000000000';

const der = Buffer.from(`302e020100300506032b657004220420${SEED}`, 'hex');
const key = createSigningKey(NAME, createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
const text = `${NAME}\nsecond line é\n`;
const note = signNote(text, key);

describe('a signed note', () => {
  test('is a text, an empty line and a signature as the format says', () => {
    const [signed, last] = [note.slice(0, text.length), note.slice(text.length)];
    expect(signed).toBe(text);
    const [, name, base64] = /^\n— (\S+) (\S+)\n$/.exec(last) ?? [];
    expect(name).toBe(NAME);
    const bytes = Buffer.from(base64 ?? '', 'base64');
    const typed = Buffer.concat([Buffer.of(1), Buffer.from(PUBLIC, 'hex')]);
    const keyId = createHash('sha256').update(`${NAME}\n`).update(typed).digest().subarray(0, 4);
    expect(bytes.subarray(0, 4).equals(keyId)).toBe(true);
    const x = Buffer.from(PUBLIC, 'hex').toString('base64url');
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    expect(verify(null, Buffer.from(text), publicKey, bytes.subarray(4))).toBe(true);
    expect(key.verifier.text).toBe(`${NAME}+${keyId.toString('hex')}+${typed.toString('base64')}`);
  });

  test('verifies with the key as it is passed on', () => {
    const passedOn = parseVerifierKey(`${key.verifier.text}\n`);
    const split = splitNote(note);
    expect(split && checkSignature(split, passedOn)).toBe('valid');
  });

  test.each([
    ['a letter of the text', note.replace('second', 'Second'), 'forged'],
    ['a line added', note.replace('é\n', 'é\nmore\n'), 'forged'],
    ['another name', note.replace(`— ${NAME}`, '— llmgate/other'), 'unsigned'],
  ])('is %s changed: %s', (_, changed, verdict) => {
    const split = splitNote(changed);
    expect(split && checkSignature(split, key.verifier)).toBe(verdict);
  });

  test('a second signature of a stranger is none of our business', () => {
    const both = `${note}— example.org/witness AAAAAAAA\n`;
    const split = splitNote(both);
    expect(split && checkSignature(split, key.verifier)).toBe('valid');
  });

  test.each([
    ['nothing', ''],
    ['no end', note.slice(0, -1)],
    ['no empty line', note.replace('\n\n', '\n')],
    ['no dash', note.replace('— ', '- ')],
    ['no base64', note.replace(/ \S+\n$/, ' !\n')],
    ['an endless one', `${'x\n'.repeat(50_000)}${note}`],
    ['too many signatures', `${note}${'— a AAAAAAAA\n'.repeat(16)}`],
  ])('%s is no note', (_, broken) => {
    expect(splitNote(broken)).toBeUndefined();
  });

  test.each([
    ['another key', key.verifier.text.replace('+AddamA', '+AddamB')],
    ['another id', key.verifier.text.replace(/\+[\da-f]{8}\+/, '+00000000+')],
    ['another kind of key', `${NAME}+00000000+${Buffer.of(2, 3).toString('base64')}`],
    ['no key', 'ssh-ed25519 AAAA'],
  ])('%s cannot be pinned', (_, broken) => {
    expect(() => parseVerifierKey(broken)).toThrow(/public key/);
  });
});

describe('the text of a checkpoint', () => {
  const statement = {
    origin: NAME,
    atMs: Date.UTC(2026, 10, 20, 12),
    requests: { seq: 12, hash: 'a'.repeat(64) },
    adminEvents: { seq: 0, hash: '0'.repeat(64) },
    key: key.verifier.text,
  };

  test('says where both chains ended', () => {
    expect(toCheckpointText(statement).split('\n').slice(0, 4)).toEqual([
      NAME,
      'time 2026-11-20T12:00:00.000Z',
      `requests 12 ${'a'.repeat(64)}`,
      `admin_events 0 ${'0'.repeat(64)}`,
    ]);
    expect(parseCheckpointText(toCheckpointText(statement))).toEqual(statement);
  });

  test.each(['time ', 'requests 12', 'admin_events', 'key '])('without "%s" is none', (part) => {
    expect(parseCheckpointText(toCheckpointText(statement).replace(part, ''))).toBeUndefined();
  });
});
