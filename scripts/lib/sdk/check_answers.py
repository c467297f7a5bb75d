"""Requests that are answered: what the client makes of them, and what the books say."""

import asyncio
import json

import openai
from harness import check, expect

MESSAGES = [{"role": "user", "content": "Say something short."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}


def ask(lab, **fields):
    return {"model": lab.model, "messages": MESSAGES, "max_tokens": 16} | fields


@check("chat: a whole answer, its request id and its row", "chat")
def _(lab):
    caller = lab.caller()
    raw = caller.client.chat.completions.with_raw_response.create(**ask(lab))
    answer = raw.parse()
    expect(answer.choices[0].message.role == "assistant", "role")
    expect(answer.choices[0].message.content, "no content")
    expect(len(raw.headers["x-request-id"]) == 36, "no request id")
    expect(raw.headers["x-llmgate-attempts"] == "1", "attempts")
    caller.expect_booked(
        1,
        errors=0,
        input_tokens=answer.usage.prompt_tokens,
        output_tokens=answer.usage.completion_tokens,
        estimated=0,
    )


@check("chat: a stream that asks for usage", "chat", "stream usage")
def _(lab):
    caller = lab.caller()
    fields = ask(lab, stream=True, stream_options={"include_usage": True})
    chunks = list(caller.client.chat.completions.create(**fields))
    expect(len({chunk.id for chunk in chunks}) == 1, "one id in all chunks")
    expect(chunks[-1].choices == [] and chunks[-1].usage is not None, "no usage chunk at the end")
    expect(all(chunk.usage is None for chunk in chunks[:-1]), "usage before the end")
    usage = chunks[-1].usage
    caller.expect_booked(
        1,
        errors=0,
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        estimated=0,
    )


@check("chat: a stream that does not ask for usage shows none and is booked", "chat")
def _(lab):
    caller = lab.caller()
    chunks = list(caller.client.chat.completions.create(**ask(lab, stream=True)))
    expect(all(chunk.choices and chunk.usage is None for chunk in chunks), "a usage chunk")
    expect(chunks[-1].choices[0].finish_reason is not None, "no finish reason")
    usage = caller.expect_booked(1, errors=0)
    if usage is not None:
        expect(usage["total"]["output_tokens"] > 0, "no output in the books")


@check("chat: the stream helper puts the answer together", "chat")
def _(lab):
    with lab.caller().client.chat.completions.stream(**ask(lab)) as stream:
        text = "".join(event.delta for event in stream if event.type == "content.delta")
        try:
            final = stream.get_final_completion()
        except openai.LengthFinishReasonError as error:
            # The client is this strict when a model does not stop by itself.
            final = error.completion
    expect(final.choices[0].message.content == text, "the parts are not the whole")
    expect(text, "no content")


@check("chat: tools in a whole answer", "tools")
def _(lab):
    answer = lab.caller().client.chat.completions.create(
        **ask(lab, max_tokens=400, tools=[WEATHER], tool_choice="required")
    )
    expect(answer.choices[0].finish_reason == "tool_calls", "finish reason")
    call = answer.choices[0].message.tool_calls[0]
    expect(call.function.name == "get_weather", "name")
    expect("city" in json.loads(call.function.arguments), "arguments")


@check("chat: two tool calls in a stream keep their arguments apart", "mock")
def _(lab):
    lab.script({"tool_calls": 2})
    fields = ask(lab, max_tokens=400, tools=[WEATHER], tool_choice="required")
    with lab.caller().client.chat.completions.stream(**fields) as stream:
        calls = stream.get_final_completion().choices[0].message.tool_calls
    expect(len({call.id for call in calls}) == 2, "two calls")
    for call in calls:
        expect("city" in json.loads(call.function.arguments), "arguments")


@check("chat: ten at once through the asynchronous client", "chat")
def _(lab):
    caller = lab.caller()

    async def ask_ten():
        async with caller.async_client() as client:
            return await asyncio.gather(
                *(client.chat.completions.create(**ask(lab)) for _ in range(10))
            )

    answers = asyncio.run(ask_ten())
    caller.expect_booked(
        10, errors=0, output_tokens=sum(answer.usage.completion_tokens for answer in answers)
    )


@check("completions: whole and streamed", "completions")
def _(lab):
    client = lab.caller().client
    fields = {"model": lab.model, "prompt": "Once upon a time", "max_tokens": 16}
    expect(client.completions.create(**fields).choices[0].text, "no text")
    chunks = list(client.completions.create(**fields, stream=True))
    expect("".join(chunk.choices[0].text for chunk in chunks), "no streamed text")


@check("embeddings: base64, the default, holds the same numbers as float", "embeddings")
def _(lab):
    caller = lab.caller()
    fields = {"model": lab.model, "input": "one text"}
    packed = caller.client.embeddings.create(**fields)
    plain = caller.client.embeddings.create(**fields, encoding_format="float")
    pairs = list(zip(packed.data[0].embedding, plain.data[0].embedding, strict=True))
    expect(len(pairs) > 1, "no numbers")
    expect(all(abs(a - b) < 1e-5 for a, b in pairs), "not the same numbers")
    caller.expect_booked(
        2, errors=0, input_tokens=packed.usage.prompt_tokens + plain.usage.prompt_tokens
    )


@check("models: listed and retrieved")
def _(lab):
    client = lab.caller().client
    expect(lab.model in [model.id for model in client.models.list()], "not listed")
    expect(client.models.retrieve(lab.model).id == lab.model, "not retrieved")


@check("responses: whole, streamed, and through the helper", "responses")
def _(lab):
    client = lab.caller().client
    fields = {"model": lab.model, "input": "Say something short."}
    expect(client.responses.create(**fields).output_text, "no text")
    types = [event.type for event in client.responses.create(**fields, stream=True)]
    expect(types[0] == "response.created" and types[-1] == "response.completed", str(types))
    with client.responses.stream(**fields) as stream:
        expect(stream.get_final_response().output_text, "no text from the helper")
