import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { GateError } from '../../../src/core/error.ts';
import type { Price } from '../../../src/core/price.ts';
import { createCounters, type Gate, type Generation } from '../../../src/gateway/gate.ts';
import { InFlight } from '../../../src/gateway/in-flight.ts';
import type { Journal } from '../../../src/gateway/ports.ts';
import { createRequestTags } from '../../../src/gateway/request-tags.ts';
import { createLimiter } from '../../../src/limits/limiter.ts';
import type { Log } from '../../../src/observe/log.ts';
import type { BudgetBook } from '../../../src/pricing/budgets.ts';
import { createGpuShares } from '../../../src/pricing/gpu-share.ts';
import type { ModelTable } from '../../../src/routing/model-table.ts';
import { loadBudgets, refreshBudgets } from '../../../src/store/load-budgets.ts';
import { type CrashableStore, openStore } from '../../../src/store/open-store.ts';
import { createFakeClock, type FakeClock } from '../fake-clock.ts';
import { healthyPool, USUAL_POOL_RULES } from '../pool-parts.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { silentLog } from '../silent-log.ts';
import { BudgetWitness } from './budget-witness.ts';
import { checkSending } from './check-sending.ts';
import { createVendor, type VendorRequest } from './fake-vendor.ts';
import { GpuWitness } from './gpu-witness.ts';
import { type Known, NO_HOLD } from './known.ts';
import { NaiveBudgets, type NaiveRow } from './naive-budgets.ts';
import { toUsage } from './note-text.ts';
import type { Scene } from './scene.ts';
import { createSlowContent } from './slow-content.ts';

export type SqlRow = Readonly<Record<string, string | number | null>>;

/** How the store fails now. */
export type Fault = 'none' | 'read_only' | 'full' | 'busy';

/**
 * A gateway without sockets: the real request path, rules, counters and store, on a clock and a
 * vendor that do only what they are told. Dies and starts again in the same directory.
 */
export class Plant {
  readonly random: SeededRandom;
  readonly scene: Scene;
  readonly clock: FakeClock;
  readonly dataDir = mkdtempSync(join(tmpdir(), 'llmgate-simulation-'));
  /** Of every life, by id with dashes. */
  readonly known = new Map<string, Known>();
  /** The first thing that was wrong: throwing inside the gateway could be taken for its own error. */
  problem: string | null = null;
  epoch = 0;
  fault: Fault = 'none';
  overruns = 0;
  /** Requests whose answer was made shorter. */
  shrunk = 0;
  #inLine = 0;
  #store: CrashableStore | undefined;
  #gate: Gate | undefined;
  #budgets: BudgetBook | undefined;
  #naive: NaiveBudgets | undefined;
  #gpu: GpuWitness | undefined;
  #writer: Database.Database | undefined;
  #reader: Database.Database | undefined;
  #locker: Database.Database | undefined;
  #turn: (() => void)[] = [];
  #later: { readonly work: () => void; readonly dueMs: number }[] = [];
  /** Backends that take nothing now. */
  readonly away = new Set<string>();
  #witness: BudgetWitness | undefined;
  #tables: ModelTable[] = [];
  #ids = 0;

  constructor(random: SeededRandom, scene: Scene) {
    this.random = random;
    this.scene = scene;
    const clock = createFakeClock(scene.startMs);
    // Wall clocks tell whole milliseconds.
    this.clock = { ...clock, nowMs: () => Math.floor(clock.nowMs()) };
  }

  get store(): CrashableStore {
    return must(this.#store);
  }
  get gate(): Gate {
    return must(this.#gate);
  }
  get naive(): NaiveBudgets {
    return must(this.#naive);
  }
  get budgets(): BudgetBook {
    return must(this.#budgets);
  }
  get gpu(): GpuWitness {
    return must(this.#gpu);
  }
  get isUp(): boolean {
    return this.#gate !== undefined;
  }

  fail(problem: string): void {
    this.problem ??= problem;
  }

  async start(): Promise<void> {
    const { scene, clock } = this;
    this.epoch += 1;
    const epoch = this.epoch;
    this.#turn = [];
    this.#later = [];
    this.overruns = 0;
    this.#noteLeftovers();
    this.#store = await openStore({
      dataDir: this.dataDir,
      clock,
      durability: 'process',
      worker: false,
      scheduler: {
        soon: (work) => void this.#turn.push(work),
        later: (work, delayMs) => this.#after(delayMs, work),
      },
      onConnection: (db) => {
        this.#writer = db;
      },
    });
    this.#reader?.close();
    this.#reader = new Database(join(this.dataDir, 'llmgate.db'), { readonly: true });
    const { rules, zone: timezone } = scene;
    this.#budgets = await loadBudgets({ store: this.store, clock, rules, timezone });
    this.#naive = new NaiveBudgets(timezone, clock.nowMs(), this.#naiveRows());
    this.#naive.rules = rules;
    this.refreshBudgets();
    const onAsked = (asked: VendorRequest) => {
      if (this.epoch === epoch) this.#onAsked(asked);
      else asked.state = 'aborted';
    };
    const vendor = createVendor(this.random, onAsked, scene.pool.hasOtherKeys);
    this.#witness = new BudgetWitness(this);
    this.#gpu = new GpuWitness(createGpuShares(clock), clock);
    this.#gate = {
      ...healthyPool({
        clock,
        random: () => this.random.int(1_000_000) / 1_000_000,
        // What a dead process still had in mind happens no more.
        after: (delayMs, work) => (this.epoch === epoch ? this.#after(delayMs, work) : () => {}),
        maxWaiting: scene.pool.maxWaiting,
        replica: (id) => ({
          accepts: () => !this.away.has(id),
          maxConcurrency: scene.pool.places[id] ?? null,
        }),
      }),
      clock,
      requestIds: () => this.#nextId(),
      log: this.#log(),
      keys: { find: (id) => scene.keys.find(({ key }) => key.id === id)?.key },
      limiter: createLimiter({ rules: scene.limits, clock }),
      budgets: this.#witness.watch(this.budgets),
      gpuShares: must(this.#gpu),
      journal: this.#watchedJournal(this.store.ledger, epoch),
      content: createSlowContent(this.random, this.known, (work) => this.#turn.push(work)),
      failedLogins: { note: () => {} },
      requestTags: createRequestTags(),
      counters: createCounters(),
      inFlight: new InFlight(),
      generation: this.#generation(vendor),
      models: scene.models(),
      discovered: true,
      draining: false,
    };
    this.#tables = [this.#gate.models];
    // A row per request that any vendor was asked for, whatever killed the gateway.
    for (const { id, asked, isUnrecorded } of this.known.values()) {
      if (asked.length > 0 && !isUnrecorded && this.finished(id) === undefined) {
        this.fail(`request ${id} was sent to a vendor and is in no row after the restart`);
      }
    }
  }

  /** What a copy may cost: its request began with this table of models or with one before it. */
  shadowPrices(): (Price | null)[] {
    const models = this.#tables.flatMap((table) => table.models);
    return models.flatMap(({ routing }) => routing.shadow?.target.price ?? []);
  }

  /** Requests that have waited for a place, in every life. */
  get inLine(): number {
    return this.#inLine + (this.#gate?.scheduler.stats().queued ?? 0);
  }

  /** New prices and policies, as a reload brings them. */
  reload(): void {
    const { gate, scene, random } = this;
    scene.draw(random);
    gate.models = scene.models();
    this.#tables.push(gate.models);
    gate.generation = this.#generation(gate.generation.sender);
    this.budgets.replaceRules(scene.rules);
    this.naive.rules = scene.rules;
  }

  refreshBudgets(): void {
    const { store, naive } = this;
    refreshBudgets(this.budgets, store, this.clock);
    naive.stored = store.budgets.budgets();
    naive.grants = store.budgets.grants(this.clock.nowMs());
  }

  /** Ends a turn of the event loop. */
  endTurn(): void {
    const due = this.#turn;
    this.#turn = [];
    for (const work of due) work();
  }

  get hasWork(): boolean {
    return this.#turn.length > 0;
  }

  /** Runs timers whose time has come; all of them when asked to. */
  runTimers(all = false): void {
    const nowMs = this.clock.monotonicMs();
    const due = this.#later.filter(({ dueMs }) => all || dueMs <= nowMs);
    this.#later = this.#later.filter((timer) => !due.includes(timer));
    for (const { work } of due) work();
  }

  setFault(fault: Fault): void {
    const writer = must(this.#writer);
    writer.pragma('query_only = OFF');
    writer.pragma('max_page_count = 1000000000');
    this.#locker?.close();
    this.#locker = undefined;
    this.fault = fault;
    if (fault === 'read_only') writer.pragma('query_only = ON');
    if (fault === 'full') {
      const pages = Number(writer.pragma('page_count', { simple: true }));
      writer.pragma(`max_page_count = ${pages + this.random.int(3)}`);
    }
    if (fault === 'busy') {
      writer.pragma('busy_timeout = 0');
      this.#locker = new Database(join(this.dataDir, 'llmgate.db'));
      this.#locker.exec('BEGIN IMMEDIATE');
    }
  }

  /** Dies on the spot. */
  crash(): void {
    this.setFault('none');
    this.store.crash();
    this.#down();
  }

  /** Ends as an operator would end it, but for the wait. */
  async stop(): Promise<void> {
    this.setFault('none');
    for (const exchange of this.gate.inFlight.all()) {
      exchange.stop(new GateError('draining', 'The gateway is shutting down.'));
    }
    const copies = this.gate.shadows.stop();
    for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
    // Content is closed before the books, and says until then what it has kept; copies are booked.
    for (let round = 0; round < 4; round += 1) {
      this.endTurn();
      for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
    }
    await copies;
    await this.store.close();
    this.#down();
  }

  #down(): void {
    this.#inLine = this.inLine;
    for (const { asked } of this.known.values()) for (const request of asked) request.abort();
    for (const known of this.known.values()) known.settled = null;
    this.#gate = undefined;
    this.#store = undefined;
    this.epoch += 1;
  }

  dispose(): void {
    if (this.#gate !== undefined) this.crash();
    this.#reader?.close();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** The finished row, as another process sees it now. */
  finished(id: string): SqlRow | undefined {
    return this.query('SELECT * FROM request_log WHERE id = ?', hex(id))[0];
  }

  isOpen(id: string): boolean {
    return this.query('SELECT 1 FROM open_requests WHERE lower(hex(id)) = ?', hex(id)).length > 0;
  }

  query(sql: string, ...values: (string | number)[]): SqlRow[] {
    return must(this.#reader)
      .prepare<(string | number)[], SqlRow>(sql)
      .all(...values);
  }

  get database(): Database.Database {
    return must(this.#reader);
  }

  #after(delayMs: number, work: () => void): () => void {
    const timer = { work, dueMs: this.clock.monotonicMs() + delayMs };
    this.#later.push(timer);
    return () => {
      this.#later = this.#later.filter((other) => other !== timer);
    };
  }

  #nextId(): string {
    this.#ids += 1;
    const time = Math.max(0, this.clock.nowMs()).toString(16).padStart(12, '0');
    const count = this.#ids.toString(16).padStart(12, '0');
    const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${count}`;
    this.known.set(id, {
      id,
      open: null,
      ...NO_HOLD,
      isUnrecorded: false,
      isDelayed: false,
      isCaptured: false,
      asked: [],
      note: null,
      settled: null,
      epoch: this.epoch,
    });
    return id;
  }

  #generation(sender: Gate['generation']['sender']): Generation {
    const { scene } = this;
    const { pool } = scene;
    return {
      number: 1,
      sender,
      secrets: [],
      ...USUAL_POOL_RULES,
      backends: new Map(
        Object.keys(pool.places).map((id) => [
          id,
          { isOpenAi: scene.openAi.includes(id), labels: [], mayResend: pool.resend.includes(id) },
        ]),
      ),
      retries: { ...USUAL_POOL_RULES.retries, attempts: pool.attempts, holdMs: pool.holdMs },
      queue: {
        ...USUAL_POOL_RULES.queue,
        maxWaitMs: pool.maxWaitMs,
        keepAliveMs: pool.keepAliveMs,
      },
      overload: { ...USUAL_POOL_RULES.overload, bytesInFlight: pool.bytesInFlight },
      unpricedModels: scene.unpriced,
      maxBodyBytes: 1_000_000,
      idleMs: 2_000_000,
      totalMs: scene.totalMs,
      content: 'off',
      onAuditFailure: scene.onAuditFailure,
    };
  }

  #onAsked(asked: VendorRequest): void {
    const known = this.known.get(asked.id);
    if (known === undefined) return this.fail(`an unknown request ${asked.id} reached a vendor`);
    checkSending(this, known, asked);
    known.asked.push(asked);
    asked.readInput(known.open?.inputTokensEstimate ?? 0);
    if (this.finished(asked.id) !== undefined) {
      this.fail(`request ${asked.id} was sent after it was settled`);
    }
    const isDurable = this.isOpen(asked.id);
    const mayLack = known.isUnrecorded && this.scene.everAllowed;
    if (!isDurable && !mayLack) {
      this.fail(`request ${asked.id} was sent to ${asked.target.backend} without a durable row`);
    }
  }

  #log(): Log {
    const note = (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
      const known = this.known.get(String(fields['request_id']));
      if (event === 'settlement_delayed' && known !== undefined) known.isDelayed = true;
    };
    return { ...silentLog(), error: note, isEnabled: () => false };
  }

  #watchedJournal(journal: Journal, epoch: number): Journal {
    return {
      open: (row) => {
        const known = this.known.get(row.id);
        if (known !== undefined) {
          known.open = row;
          const asking = this.gate.inFlight.all().find(({ id }) => id === row.id);
          Object.assign(known, must(this.#witness).factsOf(asking?.hold));
        }
        return journal.open(row).catch((cause) => {
          if (known !== undefined) known.isUnrecorded = true;
          throw cause;
        });
      },
      settle: (row, attempts) => {
        const known = this.known.get(row.id);
        if (known !== undefined && this.epoch === epoch) {
          if (known.settled !== null) this.fail(`request ${row.id} was settled twice`);
          known.settled = { row, attempts };
        }
        return journal.settle(row, attempts);
      },
      progress: (id, usage) => journal.progress(id, usage),
    };
  }

  /** What the books know of requests that the last process left open. */
  #noteLeftovers(): void {
    if (this.#reader === undefined) return;
    for (const known of this.known.values()) {
      const [open] = this.query(
        'SELECT usage FROM open_requests WHERE lower(hex(id)) = ?',
        hex(known.id),
      );
      if (open !== undefined) known.note = toUsage(text(open['usage']));
    }
  }

  #naiveRows(): NaiveRow[] {
    const rows = this.query(
      `SELECT key, user, team, tenant, model, started_at_ms AS at, cost_nano_usd AS usd,
         input_tokens + output_tokens AS tokens FROM request_log`,
    );
    return rows.map(({ key, user, team, tenant, model, at, usd, tokens }) => ({
      subjects: {
        all: '',
        key: text(key),
        user: text(user),
        team: text(team),
        tenant: text(tenant),
        model: text(model) === '' ? null : text(model),
      },
      startedAtMs: Number(at),
      usd: Number(usd ?? 0),
      tokens: Number(tokens),
    }));
  }
}

export function hex(id: string): string {
  return id.replaceAll('-', '');
}

function text(value: string | number | null | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the plant is down');
  return value;
}
