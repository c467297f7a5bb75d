/**
 * Every action of an administrative event, as `object.verb`, with what it says. `docs/audit.md` is
 * tested against it.
 */
export const ACTIONS = {
  'gateway.start': 'The gateway serves: version, generation, requests that a crash had left open.',
  'gateway.stop': 'The gateway was told to end and did so in order.',
  'config.load': 'The configuration that the gateway started with: file, SHA-256 and its settings.',
  'config.reload':
    'A new configuration was taken with what it changed, or refused with the reason.',
  'key.create': 'A key was made.',
  'key.update': 'What a key may do was changed.',
  'key.rotate': 'A key got a new secret; the old ones end at the times shown.',
  'key.suspend': 'A key was suspended.',
  'key.resume': 'A suspended key works again.',
  'key.revoke': 'A key was ended for good.',
  'backend.drain': 'A backend is sent no new requests.',
  'backend.resume': 'A drained backend is sent requests again.',
  'request.cancel': 'A request in flight was ended.',
  'log.level': 'How much is logged was changed until a reload or a restart.',
  'login.fail': 'Requests without a valid key: how many within a minute, why, from where.',
  'budget.set': 'A budget was set or changed.',
  'budget.remove': 'A budget was removed.',
  'budget.grant': 'A budget was topped up once or raised for a time.',
  'budget.reset': 'What was spent in a window no longer counts.',
  'ledger.rebuild': 'Sums and counters were computed anew from the rows.',
  'ledger.backup': 'A copy of the books was written.',
  'ledger.restore': 'The books were replaced by a copy.',
  'purge.start': 'Rows past their retention are being removed.',
  'purge.done': 'Rows past their retention were removed; the receipt covers what went.',
  'hold.place': 'A legal hold keeps rows and content from being removed.',
  'hold.release': 'A legal hold ended.',
  'content.read': 'Captured prompts and answers were shown.',
  'content.erase': 'The key to the captured content of a subject was destroyed.',
  'audit.verify': 'The chains were verified, with the result.',
  'audit.export': 'The trail was copied out by the command.',
  'audit.checkpoint': 'A checkpoint was asked for.',
} as const satisfies Record<`${string}.${string}`, string>;

export type AuditAction = keyof typeof ACTIONS;
