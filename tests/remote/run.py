#!/usr/bin/env python3
"""The command line over servers elsewhere: `jade run`, `eval` and `doctor` against a backbone and retrievers that this
script serves, and that fail in every way now and then. `jade` itself must do: no LibTorch.

  run.py --jade BUILD/jade
"""
import argparse
import http.server
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
KEY = "sk-secret"
ANSWER = "<answer>Porto-Novo</answer>"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, value, headers=()):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers:
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            return self.reply(401, {"error": {"message": f"bad key {self.headers.get('Authorization')}"}})
        self.reply(200, {"data": [{"id": "small", "owned_by": "vllm"}, {"id": "big", "owned_by": "vllm"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        number = self.server.count()
        if self.server.rude and number % 3 == 0:
            return self.misbehave(number // 3 % 5)
        if self.path == "/v1/completions":
            self.complete(body, {"text": ANSWER, "token_ids": [5, 6, 7],
                                 "logprobs": {"tokens": list("abc"), "token_logprobs": [-0.5, -0.25, -0.125]}})
        elif self.path == "/v1/chat/completions":
            self.complete(body, {"message": {"role": "assistant", "content": ANSWER}})
        elif self.path == "/search":
            self.reply(200, [{"question": q, "top_k_docs": ["Benin\nIts capital is Porto-Novo."] * body["N"]}
                             for q in body["questions"]])
        elif self.path == "/wiki/_search":
            hit = {"_id": "1", "_score": 2.0, "_source": {"title": "Benin", "text": "Its capital is Porto-Novo."}}
            self.reply(200, {"timed_out": False, "hits": {"hits": [hit] * body["size"]}})
        else:
            self.reply(404, {"error": {"message": f"nothing at {self.path}"}})

    def complete(self, body, choice):
        self.server.bodies.append(body)
        self.reply(200, {"choices": [choice | {"finish_reason": "stop"}], "usage": {"prompt_tokens": 40, "completion_tokens": 3}})

    def misbehave(self, how):
        if how == 0:
            return self.reply(503, b"")
        if how == 1:
            return self.reply(200, b"<html>not JSON</html>")
        if how == 2:
            return self.reply(429, {"error": {"message": "slow down"}})
        if how == 3:  # half a reply
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"choices\":")
        else:  # a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock, self.requests, self.bodies, self.rude = threading.Lock(), 0, [], False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def count(self):
        with self.lock:
            self.requests += 1
            return self.requests

    def url(self, path=""):
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class RemoteTest(unittest.TestCase):
    jade = ""

    def setUp(self):
        self.server = Server()
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()
        self.folder.cleanup()

    def config(self, backbone="", retriever=""):
        path = pathlib.Path(self.folder.name) / "remote.yaml"
        path.write_text(f"backbone: {{ kind: remote, url: '{self.server.url('/v1')}', model: small, "
                        f"api_key_env: JADE_TEST_KEY, retries: 10 {backbone} }}\n{retriever}\n")
        return str(path)

    def run_jade(self, *arguments, key=KEY):
        environment = dict(os.environ, XDG_CACHE_HOME=self.folder.name + "/cache", JADE_TEST_KEY=key)
        done = subprocess.run([self.jade, *arguments], cwd=self.folder.name, env=environment, capture_output=True,
                              text=True, timeout=300)
        self.assertNotIn(KEY, done.stdout + done.stderr)
        return done

    def ask(self, config):
        return self.run_jade("run", str(ROOT / "workflows/naive_rag.jade"), "--config", config, "--no-trace", "--json",
                             "-i", "question=What is the capital of Benin?")

    def test_completions(self):
        done = self.ask(self.config())
        self.assertEqual(done.returncode, 0, done.stderr)
        run = json.loads(done.stdout)
        call = [c for c in run["calls"] if c["role"] == "AG"][0]
        self.assertEqual(call["action"], ANSWER)
        self.assertEqual(call["action_ids"], [5, 6, 7])
        self.assertEqual(call["log_probs"], [-0.5, -0.25, -0.125])
        self.assertEqual((run["tokens"], run["prompt_tokens"]), (3, 40))
        self.assertIn("small at http://127.0.0.1", run["backbone"])
        self.assertIn("What is the capital of Benin?", self.server.bodies[0]["prompt"])

    def test_chat(self):
        done = self.ask(self.config(", api: chat"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.server.bodies[0]["messages"][-1]["role"], "user")
        run = json.loads(done.stdout)
        self.assertEqual([c["action_ids"] for c in run["calls"] if c["role"] == "AG"], [[]])
        self.assertEqual((run["tokens"], run["prompt_tokens"]), (3, 40), "as the server counted them")

    def test_retrievers(self):
        for retriever in (f"kind: endpoint, url: '{self.server.url('/search')}'",
                          f"kind: opensearch, url: '{self.server.url()}', index: wiki"):
            done = self.ask(self.config(retriever=f"retriever: {{ {retriever}, top_k: 2 }}"))
            self.assertEqual(done.returncode, 0, done.stderr)
            found = [c for c in json.loads(done.stdout)["calls"] if c["role"] == "R"][0]["value"]
            self.assertEqual([d["text"] for d in found], ["Its capital is Porto-Novo."] * 2)

    def test_everything_passes(self):
        self.server.rude = True
        config = self.config(", concurrency: 16",
                             f"retriever: {{ kind: endpoint, url: '{self.server.url('/search')}', retries: 10 }}")
        done = self.run_jade("eval", str(ROOT / "workflows/naive_rag.jade"), "--config", config, "--json", "--data",
                             str(ROOT / "data/atlas/dev.jsonl"), "--limit", "60", "--concurrency", "30")
        self.assertEqual(done.returncode, 0, done.stderr)
        summary = json.loads(done.stdout)
        self.assertEqual((summary["questions"], summary["failed"]), (60, 0))
        self.assertGreater(self.server.requests, 80)

    def test_failures_say_what_to_do(self):
        done = self.ask(self.config(", concurrency: 4").replace(".yaml", ".none"))
        self.assertEqual(done.returncode, 1)
        done = self.run_jade("run", str(ROOT / "workflows/naive_rag.jade"), "--config", self.config(), "-i",
                             "question=x", key="wrong")
        self.assertEqual(done.returncode, 3)
        self.assertIn("status 401 (not authorised): bad key Bearer …; is the key in `JADE_TEST_KEY` right?",
                      done.stderr)
        config = self.config()
        self.server.shutdown()
        self.server.server_close()
        done = self.ask(config)
        self.assertEqual(done.returncode, 3)
        self.assertIn("cannot connect: is the server running", done.stderr)

    def test_doctor(self):
        config = self.config(retriever=f"retriever: {{ kind: opensearch, url: '{self.server.url()}', index: none }}")
        done = self.run_jade("doctor", "--json", "--config", config)
        self.assertEqual(done.returncode, 0, done.stderr)
        findings = {f["name"]: f for f in json.loads(done.stdout)}
        self.assertIn("(vllm: small, big)", findings["remote backbone"]["value"])
        self.assertEqual(findings["remote backbone"]["remedy"], "")
        self.assertIn("check `url` and `index`", findings["remote retriever"]["remedy"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jade", required=True)
    arguments, rest = parser.parse_known_args()
    RemoteTest.jade = str(pathlib.Path(arguments.jade).resolve())
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
