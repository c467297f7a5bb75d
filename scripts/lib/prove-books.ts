import { parseArgs } from 'node:util';
import { proveBooks } from '../../test/support/books-proof.ts';

const HELP = `usage: scripts/prove-books [--requests N] [--callers N] [--seed N]

Sends 100,000 requests, or N, through the compiled llmgate to a simulated vendor: every protocol,
streamed and whole, a fifth of them with faults and impossible usage, every seventh left by its
caller. Then the vendor's invoice, of what it really made, is held against the books: every row that
is not flagged as estimated must agree in every token and to the nano-dollar; the others are listed
apart.
`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    requests: { type: 'string', default: '100000' },
    callers: { type: 'string', default: '32' },
    seed: { type: 'string', default: '2026' },
  },
});

if (values.help === true) {
  process.stdout.write(HELP);
} else {
  const startedMs = performance.now();
  const { report, problems } = await proveBooks({
    requests: Number(values.requests),
    callers: Number(values.callers),
    seed: Number(values.seed),
    onProgress: (done) => void process.stderr.write(`${done} sent\n`),
  });
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
  process.stdout.write(`${report}\nafter ${seconds} s\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
