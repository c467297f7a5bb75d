/** Runs a program of the driver to its end; null when it is missing, fails or takes too long. */
export type RunTool = (
  command: readonly [program: string, ...args: string[]],
) => Promise<string | null>;

const TIMEOUT_MS = 10_000;

/** Eight GPUs with a hundred processes are 40 KB. */
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;

/** Where drivers are installed. Not the `PATH` of llmgate: anybody's folder may be in that. */
const PATH = [
  '/usr/bin:/bin:/usr/local/bin:/usr/sbin:/opt/rocm/bin',
  '/usr/lib/wsl/lib:/run/current-system/sw/bin:/run/opengl-driver/bin',
].join(':');

/** Whether the program is installed where drivers put theirs. */
export function isToolHere(program: string): boolean {
  return Bun.which(program, { PATH }) !== null;
}

/** The environment of llmgate holds secrets, so the program gets a fresh one. */
export const runTool: RunTool = async ([program, ...args]) => {
  const path = Bun.which(program, { PATH });
  if (path === null) return null;
  try {
    const child = Bun.spawn([path, ...args], {
      env: { PATH, LC_ALL: 'C', HOME: '/nonexistent' },
      cwd: '/',
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'ignore',
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: OUTPUT_BYTES_MAX,
    });
    const text = await child.stdout.text();
    return (await child.exited) === 0 ? text : null;
  } catch {
    return null;
  }
};
