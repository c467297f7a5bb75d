/** What a token of input and one of output count, as in the paper. */
const INPUT_WEIGHT = 1;
const OUTPUT_WEIGHT = 2;
const LEAST_WEIGHT = 1e-3;

/** What a place for a prompt is charged at once. Never nothing, or a subject would always be next. */
export function inputCharge(inputTokens: number, weight: number): number {
  return (Math.max(1, inputTokens) * INPUT_WEIGHT) / weightOf(weight);
}

export function outputCharge(outputTokens: number, weight: number): number {
  return (outputTokens * OUTPUT_WEIGHT) / weightOf(weight);
}

function weightOf(weight: number): number {
  return Math.max(LEAST_WEIGHT, weight);
}

/** The virtual token counter of one subject. It only ever grows. */
export class FairAccount {
  readonly subject: string;
  /** Weighted tokens it was served, divided by its share. */
  served = 0;
  /** Its jobs in line. */
  waiting = 0;
  inFlight = 0;
  /** Where it is counted since its pool was joined to another; null for most. */
  movedTo: FairAccount | null = null;

  constructor(subject: string) {
    this.subject = subject;
  }

  charge(weightedTokens: number): void {
    let account: FairAccount = this;
    while (account.movedTo !== null) account = account.movedTo;
    account.served += weightedTokens;
  }

  /** A request of it has ended. */
  release(): void {
    let account: FairAccount = this;
    while (account.movedTo !== null) account = account.movedTo;
    account.inFlight -= 1;
  }
}
