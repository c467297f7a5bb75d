import { startFakeGateway } from '../../../test/support/fake-gateway.ts';
import { LARGE } from '../../../test/support/some-live-document.ts';

// Its own process, so that what the gateway costs is not counted for the screen.
const gateway = startFakeGateway({ dataDir: process.argv[2] ?? '', size: LARGE });
process.stdout.write('up\n');
process.once('SIGTERM', () => {
  process.stdout.write(`${gateway.looks}\n`);
  void gateway.stop().then(() => process.exit(0));
});
setInterval(() => {}, 60_000);
