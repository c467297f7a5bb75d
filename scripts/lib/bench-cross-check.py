"""The same load as `llmgate bench`, made and timed by something else.

Python's own asyncio streams, a connection for each request, evenly spaced absolute times: nothing
here is shared with llmgate. docs/bench.md has the commands and the two results side by side.

usage: bench-cross-check.py HOST:PORT RATE SECONDS TOKENS
"""

import asyncio
import json
import sys
import time


async def shoot(host, port, tokens, due, seen):
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    body = json.dumps(
        {
            "model": "mock",
            "stream": True,
            "max_tokens": tokens,
            "messages": [{"role": "user", "content": "Say something short."}],
        }
    ).encode()
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    )
    first = last = None
    while line := await reader.readline():
        if line.startswith(b"data: {"):
            choices = json.loads(line[6:])["choices"]
            if choices and choices[0]["delta"].get("content"):
                now = time.perf_counter()
                if first is None:
                    first = now
                    seen["ttft"].append(now - due)
                else:
                    seen["itl"].append(now - last)
                last = now
        elif line.startswith(b"data: [DONE]"):
            seen["e2el"].append(time.perf_counter() - due)
    writer.close()


def nearest_rank(values, percent):
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)] * 1000


async def main():
    address, rate, seconds, tokens = sys.argv[1:5]
    host, port = address.rsplit(":", 1)
    count = int(float(rate) * float(seconds))
    seen = {"ttft": [], "itl": [], "e2el": []}
    start = time.perf_counter() + 0.1
    await asyncio.gather(
        *(
            shoot(host, int(port), int(tokens), start + (index + 1) / float(rate), seen)
            for index in range(count)
        )
    )
    print(f"completed {len(seen['e2el'])} of {count}")
    for name, values in seen.items():
        figures = "  ".join(f"p{p} {nearest_rank(values, p):.2f} ms" for p in (50, 90, 99))
        print(f"{name:5} n={len(values)}  {figures}  mean {sum(values) / len(values) * 1000:.2f} ms")


asyncio.run(main())
