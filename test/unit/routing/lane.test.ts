import { expect, test } from 'vitest';
import { FairAccount } from '../../../src/routing/fair-account.ts';
import { FairClass } from '../../../src/routing/fair-class.ts';
import { Lane } from '../../../src/routing/lane.ts';
import { ModelState } from '../../../src/routing/model-state.ts';
import type { Job } from '../../../src/routing/scheduling.ts';
import { SharingPool } from '../../../src/routing/sharing-pool.ts';
import { WaitingJob } from '../../../src/routing/waiting-job.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';

const NO_EVENTS = { onLease: () => {}, onUnavailable: () => {} };

test('whoever comes, leaves and is charged, the least served is on top, its oldest job first', () => {
  const random = createSeededRandom(5);
  const model = new ModelState('m', new SharingPool(), Number.POSITIVE_INFINITY);
  const lane = new Lane('key', new FairClass(1), model, []);
  const accounts = Array.from({ length: 60 }, (_, index) => new FairAccount(`key_${index}`));
  let jobs: WaitingJob[] = [];
  for (let number = 0; number < 20_000; number += 1) {
    const isGrowing = number % 400 < 250;
    const account = random.pick(accounts);
    if (jobs.length === 0 || random.next() < (isGrowing ? 0.6 : 0.3)) {
      const added = new WaitingJob(
        someJob(account),
        NO_EVENTS,
        { nowMs: 0, number },
        { lane, account },
      );
      lane.add(added);
      jobs.push(added);
    } else {
      const gone = random.pick(jobs);
      lane.remove(gone);
      jobs = jobs.filter((job) => job !== gone);
    }
    random.pick(accounts).charge(random.int(5));
    expect(lane.waiting).toBe(jobs.length);
    expect(lane.top()?.first).toBe(firstOf(jobs));
    expect(lane.leastServed()).toBe(firstOf(jobs)?.account.served);
  }
});

/** Found by looking at all of them. */
function firstOf(jobs: readonly WaitingJob[]): WaitingJob | undefined {
  let first: WaitingJob | undefined;
  for (const job of jobs) {
    if (first === undefined || job.account.served < first.account.served) first = job;
  }
  return first;
}

function someJob({ subject }: FairAccount): Job {
  return {
    model: 'm',
    candidates: [],
    balance: 'least_busy',
    subject,
    weight: 1,
    priority: 1,
    inputTokens: 1,
    prefix: new Uint32Array(0),
    session: null,
  };
}
