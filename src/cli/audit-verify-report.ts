import type { AuditVerificationView } from '../admin/audit-schemas.ts';
import type { Report } from './output.ts';
import { renderFields } from './table.ts';

type ChainView = AuditVerificationView['requests'];

export function toVerificationReport(found: AuditVerificationView): Report {
  const { ok, faults, unknowns, checkpoints, requests, admin_events: events } = found;
  return {
    document: found,
    rows: [{ ...found, faults: faults.map(({ message }) => message), unknowns }],
    human: renderFields([
      ['result', ok ? 'every row is as it was written' : say(faults.length)],
      ...faults.map(({ place, message }): [string, string] => [
        'wrong',
        `${place.replace('_', ' ')}: ${message}`,
      ]),
      ['requests', sayChain(requests)],
      ['events', sayChain(events)],
      ['checkpoints', `${checkpoints.given} given and ${checkpoints.stored} stored agree`],
      ['time', `${(found.duration_ms / 1_000).toFixed(1)} s`],
      ...unknowns.map((unknown): [string, string] => ['not known', unknown]),
    ]),
  };
}

function say(faults: number): string {
  return faults === 1 ? '1 thing is wrong' : `${faults} things are wrong`;
}

function sayChain({
  rows,
  purged_rows: purged,
  last_seq: seq,
  last_hash: hash,
}: ChainView): string {
  const gone = purged === 0 ? '' : `, ${purged} purged before`;
  return `${rows} read${gone}; the last is ${seq} with ${hash}`;
}
