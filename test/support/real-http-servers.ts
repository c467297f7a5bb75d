import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * Servers that others wrote, saying the same things: `/fixed` answers `hello` with a length,
 * `/stream` answers `onetwothree` chunked, `POST /echo` answers the number of bytes in the body,
 * `/none` answers 204.
 */
export interface RealHttpServer {
  readonly name: string;
  readonly isPresent: boolean;
  /** It answers `/echo` from the head alone, so that a large body is still on its way. */
  readonly repliesEarly?: true;
  start(): Promise<{ readonly url: string; stop(): void }>;
}

const NODE_PROGRAM = `
const http = require('node:http');
const server = http.createServer((request, reply) => {
  let size = 0;
  request.on('data', (bytes) => { size += bytes.length; });
  request.on('end', () => {
    if (request.url === '/none') { reply.statusCode = 204; reply.end(); return; }
    if (request.url === '/echo') { reply.end(String(size)); return; }
    if (request.url === '/fixed') { reply.setHeader('content-length', 5); reply.end('hello'); return; }
    reply.write('one'); reply.write('two'); reply.end('three');
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

const PYTHON_PROGRAM = `
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *args): pass
    def say(self, body):
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD': self.wfile.write(body)
    def do_GET(self):
        if self.path == '/none':
            self.send_response(204)
            self.end_headers()
        elif self.path == '/fixed': self.say(b'hello')
        else:
            self.send_response(200)
            self.send_header('Transfer-Encoding', 'chunked')
            self.end_headers()
            for piece in (b'one', b'two', b'three'):
                self.wfile.write(b'%X\\r\\n%s\\r\\n' % (len(piece), piece))
                self.wfile.flush()
            self.wfile.write(b'0\\r\\n\\r\\n')
    do_HEAD = do_GET
    def do_POST(self):
        size = int(self.headers['Content-Length'])
        self.say(str(len(self.rfile.read(size))).encode())
server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
`;

export const REAL_HTTP_SERVERS: readonly RealHttpServer[] = [
  { name: 'Bun.serve', isPresent: true, start: async () => startBun() },
  program('node:http', 'node', ['-e', NODE_PROGRAM]),
  program('python http.server', 'python3', ['-c', PYTHON_PROGRAM]),
  {
    name: 'nginx',
    isPresent: findProgram('nginx') !== undefined,
    repliesEarly: true,
    start: startNginx,
  },
];

function startBun() {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const path = new URL(request.url).pathname;
      if (path === '/none') return new Response(null, { status: 204 });
      if (path === '/echo') return new Response(String((await request.arrayBuffer()).byteLength));
      if (path === '/fixed') return new Response('hello');
      const pieces = ['one', 'two', 'three'];
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          const piece = pieces.shift();
          if (piece === undefined) controller.close();
          else controller.enqueue(Buffer.from(piece));
        },
      });
      return new Response(body);
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, stop: () => void server.stop(true) };
}

/** A program that prints its port. */
function program(name: string, command: string, args: readonly string[]): RealHttpServer {
  const path = findProgram(command);
  return {
    name,
    isPresent: path !== undefined,
    async start() {
      const child = spawn(path ?? command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const port = await new Promise<number>((resolve, reject) => {
        child.once('error', reject);
        child.stdout.once('data', (bytes) => resolve(Number(bytes.toString())));
      });
      return { url: `http://127.0.0.1:${port}`, stop: () => void child.kill('SIGKILL') };
    },
  };
}

/** On the search path, without the stand-in for node that Bun puts in front of it. */
function findProgram(command: string): string | undefined {
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
    .filter((folder) => !folder.includes('bun-node'))
    .map((folder) => join(folder, command))
    .find((path) => existsSync(path));
}

async function startNginx() {
  const folder = mkdtempSync(join(tmpdir(), 'llmgate-nginx-'));
  writeFileSync(join(folder, 'stream'), 'onetwothree');
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events {} http { access_log off; ${temp.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
    server { listen unix:${folder}/socket; root ${folder}; client_max_body_size 100m;
      location = /fixed { return 200 hello; } location = /none { return 204; }
      location = /echo { return 200 $content_length; }
      location = /stream { ssi on; ssi_types *; } } }`,
  );
  const child: ChildProcess = spawn(
    findProgram('nginx') ?? 'nginx',
    ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', join(folder, 'error.log')],
    { stdio: 'ignore' },
  );
  while (!(await canConnect(join(folder, 'socket')))) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
  }
  return {
    url: `unix:${join(folder, 'socket')}`,
    stop() {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The file is there before anybody listens on it. */
function canConnect(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
