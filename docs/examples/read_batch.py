"""read_batch.py BATCH: what is in BATCH.json and BATCH.safetensors, read with nothing but Python."""
import json
import pathlib
import struct
import sys

TYPES = {"I32": "i", "U8": "B", "I64": "q", "F32": "f"}


def read_tensors(path):
    """Name -> list of numbers. Eight bytes of length, a JSON header, then the tensors, little-endian."""
    data = pathlib.Path(path).read_bytes()
    length = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, about in header.items():
        begin, end = about["data_offsets"]
        count = about["shape"][0]
        tensors[name] = list(struct.unpack(f"<{count}{TYPES[about['dtype']]}", data[8 + length:][begin:end]))
    return tensors


def transitions(path):
    """Each transition with its own tokens: prompt, response, and what is known of the response's tokens."""
    with open(f"{path}.json", encoding="utf-8") as file:
        batch = json.load(file)
    tensors = read_tensors(pathlib.Path(path).parent / batch["tensors"])
    bounds = tensors.pop("cu_seqlens")
    mask = tensors.pop("response_mask")
    ids = tensors.pop("input_ids")
    for about, begin, end in zip(batch["transitions"], bounds, bounds[1:]):
        first = begin + mask[begin:end].index(1)
        run = batch["runs"][about["run"]]
        yield {**about, "role": batch["roles"][about["role"]], "question": batch["questions"][run["question"]],
               "prompt": ids[begin:first], "response": ids[first:end],
               **{name: values[first:end] for name, values in tensors.items()}}


def main():
    roles = {}
    for transition in transitions(sys.argv[1]):
        roles.setdefault(transition["role"], []).append(transition)
    for role, calls in sorted(roles.items()):
        tokens = [token for call in calls for token in zip(call["response"], call["log_probs"], call["advantages"])]
        print(f"{role}: {len(calls)} calls, {len(tokens)} tokens, {len(calls[0]['prompt'])} of the first prompt, "
              f"reward {sum(call['reward'] for call in calls) / len(calls):.1f}")
        assert all(log_prob <= 0 for _, log_prob, _ in tokens)


main()
