"""Files that golden cases make at test time: too large or too broken to be kept as text."""
import json
import shutil
import struct

MODEL = "tests/fixtures/models/llama"


def long_line(path, _root):
    """10 MB on one line."""
    path.write_bytes(b"workflow Solve(question: Text) -> Text { " + b"question + " * 909_000 + b"question }\n")


def deep_nesting(path, _root):
    """100,000 brackets within each other."""
    path.write_bytes(b"main workflow Solve(question: Text) -> Text { " + b"(" * 100_000 + b"question" + b")" * 100_000 +
                     b" }\n")


def deep_yaml(path, _root):
    path.write_bytes(b"params: " + b"[" * 10_000 + b"]" * 10_000 + b"\n")


def deep_json(path, _root):
    path.write_bytes(b'{"id": "1", "title": "t", "text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n")


def invalid_utf8(path, _root):
    path.write_bytes(b"main workflow Solve(question: Text) -> Text {\n  question + \"caf\xe9\"\n}\n")


def large_reply(path, _root):
    """The last call of tests/cli/files/solve.jade answers with 300 kB."""
    replies = [{"role": "Ask", "reply": "<query>x</query>"}, {"role": "R", "reply": []},
               {"role": "Read", "reply": "<answer>" + "x" * 300_000 + "</answer>"}]
    path.write_text("".join(json.dumps(reply) + "\n" for reply in replies))


def newer_store(path, _root):
    """An experience store of schema 99: a database file as SQLite writes it, with JADE's application id."""
    import sqlite3
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE run (id TEXT)")
    database.execute(f"PRAGMA application_id = {0x4A414445}")
    database.execute("PRAGMA user_version = 99")
    database.commit()
    database.close()


def foreign_store(path, _root):
    """An SQLite database of somebody else."""
    import sqlite3
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE cookies (name TEXT)")
    database.commit()
    database.close()


def _copy_model(folder, root):
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_bytes((root / MODEL / name).read_bytes())
    (folder / "tokenizer.json").write_bytes((root / "tests/fixtures/tokenizer/smollm.json").read_bytes())


def truncated_safetensors(folder, root):
    _copy_model(folder, root)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def wrong_shapes(folder, root):
    """The configuration says twice the width that the weights have."""
    _copy_model(folder, root)
    config = json.loads((folder / "config.json").read_text())
    config["hidden_size"] *= 2
    config["intermediate_size"] *= 2
    (folder / "config.json").write_text(json.dumps(config))


def lacking_merge(folder, root):
    """A merge makes a token that the vocabulary does not have."""
    _copy_model(folder, root)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    merge = tokenizer["model"]["merges"][100]
    token = "".join(merge) if isinstance(merge, list) else merge.replace(" ", "")
    del tokenizer["model"]["vocab"][token]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))


def _says(folder, root, word, number=1.0, context=512, tokenizer=None):
    """A model that replies `word` and ends, whatever it is asked: of two numbers, one says that the last token was
    `word`. Its second projection is `number` wherever the word is not."""
    folder.mkdir()
    tokenizer = tokenizer or json.loads((root / "tests/fixtures/tokenizer/smollm.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    vocabulary, hidden = 2000, 16
    says, ends = tokenizer["model"]["vocab"][word], 2  # <|im_end|>
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
              "vocab_size": vocabulary, "hidden_size": hidden, "intermediate_size": hidden, "num_hidden_layers": 1,
              "num_attention_heads": 1, "num_key_value_heads": 1, "head_dim": hidden, "rms_norm_eps": 1e-5,
              "max_position_embeddings": context, "tie_word_embeddings": False, "eos_token_id": ends,
              "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}}
    (folder / "config.json").write_text(json.dumps(config))
    embedding = [[0.0] * hidden for _ in range(vocabulary)]
    head = [[0.0] * hidden for _ in range(vocabulary)]
    for token in range(vocabulary):
        embedding[token][1 if token == says else 0] = 1.0
    head[says][0] = head[ends][1] = 20.0 * number
    square, ones = [[0.0] * hidden] * hidden, [1.0] * hidden
    tensors = {"model.embed_tokens.weight": embedding, "lm_head.weight": head, "model.norm.weight": ones}
    for name in ("input_layernorm", "post_attention_layernorm"):
        tensors[f"model.layers.0.{name}.weight"] = ones
    for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
        tensors[f"model.layers.0.self_attn.{name}.weight"] = square
    for name in ("gate_proj", "up_proj", "down_proj"):
        tensors[f"model.layers.0.mlp.{name}.weight"] = square
    _write_safetensors(folder / "model.safetensors", tensors)


def _write_safetensors(path, tensors):
    """Vectors and matrices of fp32."""
    header, data = {}, b""
    for name, rows in tensors.items():
        is_matrix = isinstance(rows[0], list)
        numbers = [number for row in rows for number in row] if is_matrix else rows
        packed = struct.pack(f"<{len(numbers)}f", *numbers)
        shape = [len(rows), len(rows[0])] if is_matrix else [len(rows)]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def says_the(folder, root):
    _says(folder, root, "the")


def says_no(folder, root):
    _says(folder, root, "no")


def says_nan(folder, root):
    """Its logits are not numbers."""
    _says(folder, root, "the", number=float("nan"))


def short_context(folder, root):
    """A context of 32 tokens."""
    _says(folder, root, "the", context=32)


def other_vocabulary(folder, root):
    """Two tokens have changed places."""
    tokenizer = json.loads((root / "tests/fixtures/tokenizer/smollm.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary["the"], vocabulary["no"] = vocabulary["no"], vocabulary["the"]
    _says(folder, root, "the", tokenizer=tokenizer)


def lacking_bracket(folder, root):
    """No token has a `>`, but for the control tokens."""
    tokenizer = json.loads((root / "tests/fixtures/tokenizer/smollm.json").read_text())
    model = tokenizer["model"]
    kept = {token["content"] for token in tokenizer["added_tokens"]}
    model["vocab"] = {token: id for token, id in model["vocab"].items() if ">" not in token or token in kept}
    model["merges"] = [merge for merge in model["merges"] if ">" not in "".join(merge)]
    _says(folder, root, "the", tokenizer=tokenizer)


def tiny_encoder(folder, root):
    """A random BERT that makes vectors of 24 numbers."""
    shutil.copytree(root / "tests/fixtures/encoder/mean", folder)


def other_encoder(folder, root):
    """The same network with another number in its weights."""
    tiny_encoder(folder, root)
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-4:] = struct.pack("<f", 0.5)
    (folder / "model.safetensors").write_bytes(weights)


def cut_vectors(path, _root):
    """The last 100 bytes of the vectors are lost."""
    path.write_bytes(path.read_bytes()[:-100])


def truncated_gguf(path, root):
    path.write_bytes((root / "tests/fixtures/weights/quants.gguf").read_bytes()[:-1000])


def huge_gguf(path, _root):
    """A header that claims 2^60 tensors."""
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0))
