"""Everything that can go wrong, and what the client makes of it."""

import time

import openai
from check_answers import ask
from harness import check, expect, expect_error, until


def no_retries(lab, *flags, **options):
    return lab.caller(*flags, max_retries=0, **options)


@check("401 AuthenticationError: a wrong key")
def _(lab):
    client = openai.OpenAI(api_key="sk-lg-nobody", base_url=lab.base_url)
    expect_error(
        openai.AuthenticationError,
        lambda: client.chat.completions.create(**ask(lab)),
        code="invalid_api_key",
        type="invalid_request_error",
        status_code=401,
    )
    expect_error(openai.AuthenticationError, client.models.list, code="invalid_api_key")


@check("404 NotFoundError: an unknown model")
def _(lab):
    caller = lab.caller()
    error = expect_error(
        openai.NotFoundError,
        lambda: caller.client.chat.completions.create(**ask(lab, model="nobody")),
        code="model_not_found",
        param="model",
        status_code=404,
    )
    expect(len(error.request_id) == 36, "no request id")
    caller.expect_booked(1, errors=1, input_tokens=0, output_tokens=0)


@check("403 PermissionDeniedError: an endpoint that the key may not use", "books")
def _(lab):
    caller = lab.caller("--endpoints", "embeddings")
    expect_error(
        openai.PermissionDeniedError,
        lambda: caller.client.chat.completions.create(**ask(lab)),
        code="endpoint_not_allowed",
    )
    caller.expect_booked(1, errors=1)


@check("400 BadRequestError: a field that would choose the backend")
def _(lab):
    expect_error(
        openai.BadRequestError,
        lambda: lab.caller().client.chat.completions.create(
            **ask(lab), extra_body={"api_base": "http://elsewhere"}
        ),
        code="unsupported_field",
        param="api_base",
    )


@check("400 BadRequestError: a prompt longer than the context", "small context")
def _(lab):
    if "mock" in lab.has:
        lab.script({"fault": {"kind": "context_length"}})
    content = "word " * (20 if "mock" in lab.has else 20_000)
    caller = lab.caller()
    expect_error(
        openai.BadRequestError,
        lambda: caller.client.chat.completions.create(
            **ask(lab, messages=[{"role": "user", "content": content}])
        ),
        code="context_length_exceeded",
    )
    caller.expect_booked(1, errors=1, input_tokens=0)


@check("429 RateLimitError: an exhausted budget is asked for once, not three times", "priced")
def _(lab):
    caller = lab.caller("--budget", "0.000001/month")
    error = expect_error(
        openai.RateLimitError,
        lambda: caller.client.chat.completions.create(**ask(lab)),
        code="insufficient_quota",
        type="insufficient_quota",
    )
    expect(error.response.headers["x-should-retry"] == "false", "x-should-retry")
    expect(caller.client.max_retries == 2, "the client would have retried")
    caller.expect_booked(1, errors=1)


@check("429 RateLimitError: the client waits as long as retry-after-ms says", "limited model")
def _(lab):
    caller = lab.caller()
    fields = ask(lab, model="limited")
    caller.client.chat.completions.create(**fields)
    once = openai.OpenAI(api_key=caller.key, base_url=lab.base_url, max_retries=0)
    error = expect_error(
        openai.RateLimitError,
        lambda: once.chat.completions.create(**fields),
        code="rate_limit_exceeded",
        type="rate_limit_error",
    )
    told_s = int(error.response.headers["retry-after-ms"]) / 1000
    expect(1 < told_s <= 1.2, f"told to wait {told_s} s")
    started = time.monotonic()
    caller.client.chat.completions.create(**fields)
    waited_s = time.monotonic() - started
    # By itself it would wait half a second; retry-after, in whole seconds, says two.
    expect(told_s - 0.1 <= waited_s < 1.9, f"waited {waited_s} s")
    caller.expect_booked(4, errors=2)


@check("502 InternalServerError: a backend that fails; retried once it is served", "mock")
def _(lab):
    caller = no_retries(lab)
    fault = {"fault": {"kind": "server_error"}}
    lab.script(fault)
    expect_error(
        openai.InternalServerError,
        lambda: caller.client.chat.completions.create(**ask(lab)),
        code="backend_error",
        status_code=502,
    )
    caller.expect_booked(1, errors=1, input_tokens=0)
    patient = lab.caller()
    lab.script(fault)
    expect(patient.client.chat.completions.create(**ask(lab)).choices, "no answer")
    patient.expect_booked(2, errors=1)


@check("the client's own timeout ends the request at the backend", "mock")
def _(lab):
    left = lab.mock_stats()["left_by_caller"]
    lab.script({"ttft_ms": 60_000})
    caller = no_retries(lab, timeout=0.3)
    expect_error(
        openai.APITimeoutError, lambda: caller.client.chat.completions.create(**ask(lab))
    )
    until(lambda: lab.mock_stats()["left_by_caller"] == left + 1, "the backend sees it")
    expect(lab.last_seen()["ended_by"] == "caller_left", "how it ended")
    expect(caller.expect_outcome("cut_by_caller")["estimated"] == 1, "not flagged")


@check("a stream that is closed midway stops the backend", "mock")
def _(lab):
    left = lab.mock_stats()["left_by_caller"]
    lab.script({"tokens": 10_000, "tps": 200})
    caller = lab.caller()
    with caller.client.chat.completions.create(
        **ask(lab, max_tokens=10_000, stream=True)
    ) as stream:
        for _, _chunk in zip(range(5), stream, strict=False):
            pass
    until(lambda: lab.mock_stats()["left_by_caller"] == left + 1, "the backend sees it")
    expect(lab.last_seen()["tokens_sent"] < 1000, "the backend went on")
    expect(caller.expect_outcome("cut_by_caller")["output_tokens"] > 0, "nothing booked")


BREAKS = [
    ("reset midway", {"kind": "reset", "after_tokens": 5}, "backend_stream_broken"),
    ("ended without its terminal", {"kind": "no_terminal"}, "backend_stream_broken"),
    ("a malformed frame", {"kind": "malformed", "after_tokens": 5}, "backend_protocol_error"),
    ("an error frame", {"kind": "error_frame", "after_tokens": 5}, "backend_error"),
]


def check_break(name, fault, code):
    @check(f"a broken stream raises APIError: {name}", "mock")
    def _(lab):
        lab.script({"tokens": 20, "tps": 400, "fault": fault})
        caller = lab.caller()
        parts = []

        def read():
            for chunk in caller.client.chat.completions.create(
                **ask(lab, max_tokens=100, stream=True)
            ):
                parts.append(chunk.choices[0].delta.content or "")

        expect_error(openai.APIError, read, code=code, type="server_error")
        expect("".join(parts), "what came before the break is the caller's")
        expect(caller.expect_outcome("cut_by_backend")["output_tokens"] > 0, "nothing booked")


for each in BREAKS:
    check_break(*each)
