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
