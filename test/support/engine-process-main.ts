import { rmSync } from 'node:fs';

// A model server in miniature, started by tests as llmgate starts engines: with the fewest parts,
// so that it is there in a moment. What it does wrong is in its arguments.
//
//   bun engine-process-main.ts <socket> [behaviour…]
const [socket = '', ...behaviours] = process.argv.slice(2);
const does = (behaviour: string) => behaviours.includes(behaviour);

if (does('print-environment')) {
  process.stdout.write(`environment ${Object.keys(process.env).toSorted().join(',')}\n`);
}
if (does('crash')) {
  process.stderr.write('CUDA error: out of memory\n');
  process.exit(3);
}
if (does('ignore-sigterm')) process.on('SIGTERM', () => process.stdout.write('ignored\n'));
// Workers that would outlive their parent: one in its group, one that leaves it.
if (does('fork')) spawnWorker(false);
if (does('escape')) spawnWorker(true);

rmSync(socket, { force: true });
Bun.serve({
  unix: socket,
  async fetch(request) {
    // Asked to, it falls over in the middle of its work.
    if (new URL(request.url).pathname === '/die') process.kill(process.pid, 'SIGSEGV');
    return new Response(null, { status: does('never-ready') ? 503 : 200 });
  },
});
process.stdout.write('listening\n');

function spawnWorker(detached: boolean): void {
  const worker = Bun.spawn(['sleep', '300'], { detached, stdio: ['ignore', 'ignore', 'ignore'] });
  process.stdout.write(`worker ${worker.pid}\n`);
}
