import { systemClock } from '../../src/core/clock.ts';
import { prepareRestore } from '../../src/store/restore.ts';

// A restore that is killed at one of its steps: its directory, the backup, and the step to die at.

const [dataDir = '', file = '', lastStep = ''] = process.argv.slice(2);

const prepared = await prepareRestore({
  ...{ dataDir, file, replaceInstall: true, keepContent: false, signingKey: null, threads: 1 },
  clock: systemClock,
  onStep(step) {
    if (step === lastStep) process.kill(process.pid, 'SIGKILL');
  },
});
if (lastStep === 'prepared') process.kill(process.pid, 'SIGKILL');
prepared.apply({ actor: 'ada', origin: 'offline' });
prepared.close();
