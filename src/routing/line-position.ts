import { inputCharge } from './fair-account.ts';
import type { Turn } from './turn.ts';
import type { WaitingJob } from './waiting-job.ts';

/**
 * Jobs of the same model that come before this one, if nobody comes, leaves or gets a token
 * meanwhile. Looks at all of them. 0 for one that is next or not in line any more.
 */
export function findPosition(waiting: WaitingJob): number {
  if (!waiting.isWaiting) return 0;
  const { lane, account, job } = waiting;
  let before = 0;
  let servedThen = account.served;
  for (const other of ownEarlier(waiting)) {
    before += 1;
    servedThen += inputCharge(other.job.inputTokens, other.job.weight);
  }
  for (const line of lane.model.pool.classes) {
    if (line.priority > job.priority) break;
    for (const other of line.lanes.values()) {
      if (other.model !== lane.model) continue;
      if (line.priority < job.priority) {
        before += other.waiting;
        continue;
      }
      for (const turn of other.turns) {
        if (turn.account !== account) before += turnsBefore(turn, servedThen, waiting.number);
      }
    }
  }
  return before;
}

function* ownEarlier(waiting: WaitingJob): Iterable<WaitingJob> {
  for (let job = waiting.before; job !== null; job = job.before) yield job;
}

function turnsBefore(turn: Turn, servedThen: number, number: number): number {
  let before = 0;
  let { served } = turn.account;
  for (const other of turn.jobs()) {
    if (served > servedThen || (served === servedThen && other.number > number)) break;
    before += 1;
    served += inputCharge(other.job.inputTokens, other.job.weight);
  }
  return before;
}
