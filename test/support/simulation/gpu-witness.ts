import type { Clock } from '../../../src/core/clock.ts';
import type { GpuShares } from '../../../src/pricing/gpu-share.ts';

interface Lease {
  readonly backend: string;
  readonly fromUs: number;
  toUs: number | null;
  shareUs: number;
}

/** Stands beside the shares of GPU time and writes down when each began and ended. */
export class GpuWitness implements GpuShares {
  readonly #shares: GpuShares;
  readonly #clock: Clock;
  readonly #leases: Lease[] = [];

  constructor(shares: GpuShares, clock: Clock) {
    this.#shares = shares;
    this.#clock = clock;
  }

  begin(backend: string): ReturnType<GpuShares['begin']> {
    const lease: Lease = { backend, fromUs: this.#nowUs(), toUs: null, shareUs: 0 };
    this.#leases.push(lease);
    const real = this.#shares.begin(backend);
    return {
      end: () => {
        const shareUs = real.end();
        if (lease.toUs === null) {
          lease.toUs = this.#nowUs();
          lease.shareUs = shareUs;
        }
        return shareUs;
      },
    };
  }

  /** When nothing runs: all shares of a backend must be the time in which it worked. */
  problems(): string[] {
    const problems: string[] = [];
    for (const [backend, leases] of Map.groupBy(this.#leases, (lease) => lease.backend)) {
      if (leases.some(({ toUs }) => toUs === null)) problems.push(`a lease of ${backend} is open`);
      let busyUs = 0;
      let untilUs = Number.NEGATIVE_INFINITY;
      for (const { fromUs, toUs } of leases.toSorted((a, b) => a.fromUs - b.fromUs)) {
        busyUs += Math.max(0, (toUs ?? fromUs) - Math.max(fromUs, untilUs));
        untilUs = Math.max(untilUs, toUs ?? fromUs);
      }
      const sharedUs = leases.reduce((sum, { shareUs }) => sum + shareUs, 0);
      if (busyUs !== sharedUs) {
        problems.push(`${backend} worked ${busyUs} µs, ${sharedUs} were shared`);
      }
    }
    return problems;
  }

  #nowUs(): number {
    return Math.round(this.#clock.monotonicMs() * 1_000);
  }
}
