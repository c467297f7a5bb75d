import { expect, test } from 'vitest';
import { OtlpExporter, type OtlpExporterOptions } from '../../../src/sinks/otlp-exporter.ts';
import { createFakeTime } from '../../support/fake-time.ts';
import { neverAnswer } from '../../support/http-receiver.ts';
import { createLogBook } from '../../support/log-book.ts';
import { readResource, startSpanReceiver } from '../../support/span-receiver.ts';

function exporterTo(url: string, options: Partial<OtlpExporterOptions> = {}) {
  const { clock, timers, advance, armed } = createFakeTime();
  const book = createLogBook();
  const exporter = new OtlpExporter({
    endpoint: `${url}/v1/traces`,
    headers: [['authorization', 'Bearer collector-secret']],
    resource: '[{"key":"service.name","value":{"stringValue":"llmgate"}}]',
    version: '1.2.3',
    random: (count) => new Uint8Array(count),
    log: book.log,
    ...{ clock, timers },
    ...options,
  });
  return { exporter, book, advance, armed };
}

const span = (spanId: string) =>
  JSON.stringify({
    ...{ traceId: '0'.repeat(31), spanId, flags: 1, name: 'chat', kind: 2, attributes: [] },
    ...{ startTimeUnixNano: '1', endTimeUnixNano: '2' },
  });

test('spans gather for a second and go out together, as they are, uncompressed', async () => {
  await using collector = startSpanReceiver();
  const { exporter, advance } = exporterTo(collector.url);
  exporter.push([span('a'), span('b')]);
  exporter.push([span('c')]);
  await advance(999);
  expect(collector.requests).toEqual([]);
  await advance(1);
  await collector.received(1);
  await exporter.close();
  const [request] = collector.requests;
  expect(collector.spans().map(({ spanId }) => spanId)).toEqual(['a', 'b', 'c']);
  expect(readResource(request?.body ?? '')).toEqual({ 'service.name': 'llmgate' });
  expect(request?.path).toBe('/v1/traces');
  expect(request?.headers.get('content-type')).toBe('application/json');
  expect(request?.headers.get('content-encoding')).toBeNull();
  expect(request?.headers.get('authorization')).toBe('Bearer collector-secret');
  expect(exporter.stats()).toEqual({ exported: 3, dropped: 0, failures: 0, waiting: 0 });
});

test('a whole batch waits for nobody, and no batch is larger', async () => {
  await using collector = startSpanReceiver();
  const { exporter } = exporterTo(collector.url);
  exporter.push(Array.from({ length: 1_300 }, (_, index) => span(String(index))));
  await collector.received(2);
  await exporter.close();
  expect(collector.requests.map(({ body }) => body.split('spanId').length - 1)).toEqual([
    512, 512, 276,
  ]);
});

test('a batch that is not taken is tried again, which is told once', async () => {
  await using collector = startSpanReceiver();
  const { exporter, advance, armed, book } = exporterTo(collector.url);
  collector.answerWith(() => new Response(null, { status: 503 }));
  exporter.push([span('a')]);
  await advance(1_000);
  await armed(500);
  await advance(500);
  await armed(1_000);
  collector.answerWith(() => new Response('{}'));
  await advance(1_000);
  await collector.received(3);
  await exporter.close();
  expect(exporter.stats()).toEqual({ exported: 1, dropped: 0, failures: 2, waiting: 0 });
  expect(book.events).toEqual(['traces_not_exported', 'traces_exported_again']);
  expect(book.text).not.toContain('collector-secret');
});

test('what a collector refuses for what it is goes nowhere', async () => {
  await using collector = startSpanReceiver();
  const { exporter, advance } = exporterTo(collector.url);
  collector.answerWith(() => new Response(null, { status: 400 }));
  exporter.push([span('a'), span('b')]);
  await advance(1_000);
  await collector.received(1);
  await exporter.close();
  expect(collector.requests).toHaveLength(1);
  expect(exporter.stats()).toMatchObject({ exported: 0, dropped: 2, waiting: 0 });
});

test('a collector that hangs costs a queue of 8 MiB and counted drops', async () => {
  await using collector = startSpanReceiver();
  const { exporter, advance, armed } = exporterTo(collector.url);
  collector.answerWith(neverAnswer);
  exporter.push([span('a')]);
  await advance(1_000);
  await collector.received(1);
  const large = 'x'.repeat(1024 * 1024);
  for (let pushed = 0; pushed < 10; pushed += 1) exporter.push([large]);
  expect(exporter.stats()).toMatchObject({ dropped: 2, waiting: 9, failures: 0 });
  // The deadline of one attempt.
  await advance(10_000);
  await armed(500);
  expect(exporter.stats()).toMatchObject({ failures: 1, waiting: 9 });
  const closed = exporter.close();
  await collector.received(2);
  await advance(3_000);
  await closed;
  expect(exporter.stats()).toMatchObject({ exported: 0, dropped: 11, waiting: 0 });
});

test('nobody there is no reason to wait at the end', async () => {
  const gone = startSpanReceiver();
  await gone[Symbol.asyncDispose]();
  const { exporter } = exporterTo(gone.url);
  exporter.push([span('a')]);
  await exporter.close();
  await exporter.close();
  exporter.push([span('b')]);
  expect(exporter.stats()).toEqual({ exported: 0, dropped: 2, failures: 1, waiting: 0 });
});
