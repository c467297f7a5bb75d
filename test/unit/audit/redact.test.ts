import { expect, test } from 'vitest';
import { redactText } from '../../../src/audit/redact.ts';

// Numbers of cards, accounts and keys are those that their issuers publish as examples.

const JWT =
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U';
const PEM = '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAbc+/=\n-----END RSA PRIVATE KEY-----';

const found: readonly (readonly [text: string, redacted: string])[] = [
  // Mail addresses
  ['mail ada@example.com.', 'mail [EMAIL].'],
  ['<ada.lovelace+notes@mail.example.co.uk>', '<[EMAIL]>'],
  ['a@b.com,c@d.org;e@f.net', '[EMAIL],[EMAIL];[EMAIL]'],
  ['mailto:ada@example.com?subject=hi', 'mailto:[EMAIL]?subject=hi'],
  ["'ada@example.com'", "'[EMAIL]'"],
  ["o'neil@example.ie", '[EMAIL]'],
  ['müller@exämple.de', '[EMAIL]'],
  ['почта@пример.рф!', '[EMAIL]!'],
  ['邮箱是ada@example.com请联系', '邮箱是[EMAIL]请联系'],
  ['/search?q=ada%40example.com&x=1', '/search?q=[EMAIL]&x=1'],
  ['{ada@example.com}', '{[EMAIL]}'],
  // Credentials in URLs
  ['postgres://ada:secret@db.example.com/x', 'postgres://[CREDENTIALS]@db.example.com/x'],
  ['https://u:p@ss@host.com/x @home', 'https://[CREDENTIALS]@host.com/x @home'],
  [
    'https://ghp_0123456789abcdefghijABCDEFGHIJ012345@github.com/a/b',
    'https://[CREDENTIALS]@github.com/a/b',
  ],
  // Telephone numbers
  ['call +49 30 1234567 now', 'call [PHONE] now'],
  ['+1 (555) 123-4567', '[PHONE]'],
  ['+4915112345678', '[PHONE]'],
  ['0049 30 1234567', '[PHONE]'],
  ['(555) 123-4567', '[PHONE]'],
  ['555-123-4567, 555.123.4567, 1-800-555-1234', '[PHONE], [PHONE], [PHONE]'],
  ['tel. 030 1234567', 'tel. [PHONE]'],
  ['0171/1234567', '[PHONE]'],
  ['06 12 34 56 78 or 06.12.34.56.78', '[PHONE] or [PHONE]'],
  ['07700900123', '[PHONE]'],
  // Payment cards
  ['4111 1111 1111 1111', '[CARD]'],
  ['4111-1111-1111-1111', '[CARD]'],
  ['card=5555555555554444;', 'card=[CARD];'],
  ['3782 822463 10005', '[CARD]'],
  ['6011111111111117 and 30569309025904', '[CARD] and [CARD]'],
  ['2223 0031 2200 3222', '[CARD]'],
  ['12 4111 1111 1111 1111 12', '12 [CARD] 12'],
  // Bank accounts
  ['DE89 3704 0044 0532 0130 00', '[IBAN]'],
  ['IBAN:GB82WEST12345698765432.', 'IBAN:[IBAN].'],
  ['fr14 2004 1010 0505 0001 3m02 606', '[IBAN]'],
  ['NO9386011117947', '[IBAN]'],
  // Numbers of people
  ['SSN 123-45-6789', 'SSN [SSN]'],
  ['123 45 6789', '[SSN]'],
  // Machines
  ['from 192.168.0.1:8080', 'from [IP]:8080'],
  ['10.0.0.255,10.0.1.0/24', '[IP],[IP]/24'],
  ['fe80::1%eth0 and [2001:db8::8a2e:370:7334]:443', '[IP]%eth0 and [[IP]]:443'],
  ['::1: refused', '[IP]: refused'],
  ['::ffff:192.0.2.128', '[IP]'],
  // Secrets
  ['sk-proj-abc123DEF456ghi789', '[SECRET]'],
  ['OPENAI_API_KEY=sk-ant-api03-Zz09_x8-1234567890', 'OPENAI_API_KEY=[SECRET]'],
  ['sk-lg-abcdefghijk1-0123456789abcdefghijABCDEFGHIJ01abcdef', '[SECRET]'],
  ['ghp_0123456789abcdefghijABCDEFGHIJ012345', '[SECRET]'],
  ['AKIAIOSFODNN7EXAMPLE', '[SECRET]'],
  ['AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY', '[SECRET]'],
  ['xoxb-123456789012-abcdefABCDEF', '[SECRET]'],
  ['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', '[SECRET]'],
  [`token ${JWT}.`, 'token [SECRET].'],
  ['Authorization: Bearer abc123def456ghi789jkl', 'Authorization: Bearer [SECRET]'],
  ['authorization: basic YWRhOnNlY3JldDEyMw==', 'authorization: basic [SECRET]'],
  [`a ${PEM} b`, 'a [PRIVATE_KEY] b'],
  ['-----BEGIN PRIVATE KEY-----\nMIIE cut off', '[PRIVATE_KEY]'],
  // Pictures and sound
  ['see data:image/png;base64,iVBORw0KGgoAAAANSUhEUg== end', 'see [DATA image/png 16 bytes] end'],
  ['DATA:audio/wav;rate=8;base64,UklGRg==)', '[DATA audio/wav 4 bytes])'],
  ['data:;base64,AAAA', '[DATA text/plain 3 bytes]'],
];

test.each(found)('%s', (text, redacted) => {
  expect(redactText(text)).toBe(redacted);
});

test.each(found.map(([, redacted]) => redacted))('nothing more to find in %s', (redacted) => {
  expect(redactText(redacted)).toBe(redacted);
});

const innocent = [
  'The quick brown fox, 2024-01-15T10:30:00Z, 01.02.2024 10:30, 15/01/2024.',
  'v1.2.3.4, 1.2.3.4.5, 300.1.1.1, 3.14159265358979',
  '4111 1111 1111 1112, 0.4111111111111111, 1234567812345670000000',
  'DE88370400440532013000 is mistyped',
  '000-12-3456, 666-12-3456, 912-12-3456, 123-00-4567, 123-45-0000',
  'std::vector, 12:30:45, aa:bb:cc:dd:ee:ff, dead::beef, a::b, ::',
  'sk-learn-contrib-packages-and-more, hf_transformers_library_v, Basic internationalization',
  'eyJ is how a token begins',
  'user@localhost, @ada, ada@, a@b, 3 @ 4.50',
  'https://medium.com/@ada/post, http://example.com:8080/a@b',
  '550e8400-e29b-41d4-a716-446655440000, chatcmpl-0123456789, 1700000000, 1700000000000',
  '0.123 0.456 0.789, [12, 345, 6789], 200 000 000, 100-200',
  '-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----',
  'data:text/plain,hello',
  '',
];

test.each(innocent)('nothing in %s', (text) => {
  expect(redactText(text)).toBe(text);
});

test('where two finds overlap both are covered', () => {
  expect(redactText('https://ada@example.com:pw@host.com/')).toBe(
    'https://[CREDENTIALS]@host.com/',
  );
  expect(redactText('+49 4111 1111 1111 1111')).not.toMatch(/\d/);
});
