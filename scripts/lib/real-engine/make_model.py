"""Writes a tiny llama model with random weights, for tests of what stands in front of an engine.

    make_model.py FILE

It is a real GGUF file of a few hundred kilobytes that llama.cpp loads, tokenizes with and samples
from; only what it says is nonsense. The same file comes out every time.
"""

import sys

import gguf
import numpy

DIMENSIONS = 64
FEED_FORWARD = 128
HEADS = 4
LAYERS = 2
CONTEXT = 16_384

# Dimension 0 of every embedding holds this much and the layers leave it alone, so that after the
# last norm it is about constant: what the output matrix has there acts as a bias of each token.
CONSTANT = 4.0
SILENT = -100.0

WORDS = """
the of and a to in is you that it he was for on are as with his they at be this have from or one had
by word but not what all were we when your can said there use an each which she do how their if will
up other about out many then them these so some her would make like him into time has look two more
write go see number no way could people my than first water been call who oil its now find long down
day did get come made may part
"""
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?'\"-()[]{}<>|/\n"
SPACE = "\u2581"  # How SentencePiece writes a space.

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "assistant:"
)


def list_tokens():
    """Text, score and type of every token; only words are ever said."""
    types = gguf.TokenType
    tokens = [
        ("<unk>", 0.0, types.UNKNOWN),
        ("<s>", 0.0, types.CONTROL),
        ("</s>", 0.0, types.CONTROL),
    ]
    # What no other token covers is tokenized byte by byte.
    tokens += [(f"<0x{byte:02X}>", 0.0, types.BYTE) for byte in range(256)]
    tokens += [(letter, -20.0, types.NORMAL) for letter in [SPACE, *LETTERS]]
    # SentencePiece joins pieces two by two, so every beginning of a word has to be a token.
    pieces = {}
    for word in WORDS.split():
        text = SPACE + word
        for end in range(2, len(text) + 1):
            pieces.setdefault(text[:end], -float(end))
    known = {token[0] for token in tokens}
    tokens += [(text, score, types.NORMAL) for text, score in pieces.items() if text not in known]
    return tokens


def write_model(path):
    tokens = list_tokens()
    spoken = {SPACE + word for word in WORDS.split()}
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny random llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(DIMENSIONS)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(DIMENSIONS // HEADS)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text.encode() for text, _, _ in tokens])
    writer.add_token_scores([score for _, score, _ in tokens])
    writer.add_token_types([int(kind) for _, _, kind in tokens])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_chat_template(CHAT_TEMPLATE)

    random = numpy.random.default_rng(1)

    def matrix(rows, columns, scale=0.2):
        return random.normal(0, scale, (rows, columns)).astype(numpy.float32)

    def ones():
        return numpy.ones(DIMENSIONS, dtype=numpy.float32)

    embedding = matrix(len(tokens), DIMENSIONS, 1.0)
    embedding[:, 0] = CONSTANT
    output = matrix(len(tokens), DIMENSIONS, 0.5)
    output[:, 0] = [0.0 if text in spoken else SILENT for text, _, _ in tokens]
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", ones())
    writer.add_tensor("output.weight", output)
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        writer.add_tensor(f"{block}.attn_norm.weight", ones())
        writer.add_tensor(f"{block}.ffn_norm.weight", ones())
        for name in ("attn_q", "attn_k", "attn_v"):
            writer.add_tensor(f"{block}.{name}.weight", matrix(DIMENSIONS, DIMENSIONS))
        for name, columns in (("attn_output", DIMENSIONS), ("ffn_down", FEED_FORWARD)):
            weight = matrix(DIMENSIONS, columns)
            weight[0, :] = 0.0
            writer.add_tensor(f"{block}.{name}.weight", weight)
        for name in ("ffn_gate", "ffn_up"):
            writer.add_tensor(f"{block}.{name}.weight", matrix(FEED_FORWARD, DIMENSIONS))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


write_model(sys.argv[1])
