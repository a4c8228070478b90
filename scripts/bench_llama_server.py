#!/usr/bin/env python3
"""Role calls against llama-server: starts it, sends the prompts of a file, as many at once as it has slots, and prints
one line of JSON: {"calls_per_s", "seconds", "calls", "prompt_tokens", "cached_tokens", "reply_tokens", "settings"}.

The file holds {"reply_tokens": N, "prompts": [[token id, ...], ...]}, as `jade bench engine --compare` writes it. Without
--prompts, prompts are made up: --calls of them, with --shared ids in common and --own ids each.

Only the standard library. Each slot has a connection of its own that is kept; replies are as long as asked for
(`ignore_eos`), greedy, with prompt caching on.
"""
import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--server", required=True, help="path of llama-server")
    parser.add_argument("--model", required=True, help="a GGUF")
    parser.add_argument("--prompts", help="file of prompts; without it they are made up")
    parser.add_argument("--limit", type=int, default=0, help="so many of the prompts; 0: all")
    parser.add_argument("--calls", type=int, default=500, help="made-up prompts")
    parser.add_argument("--shared", type=int, default=450)
    parser.add_argument("--own", type=int, default=60)
    parser.add_argument("--reply", type=int, default=30)
    parser.add_argument("--vocabulary", type=int, default=49152)
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--unified", choices=["on", "off"], default="on", help="one KV buffer for all slots")
    parser.add_argument("--flash", choices=["on", "off"], default="on", help="flash attention")
    parser.add_argument("--cache-reuse", type=int, default=256)
    parser.add_argument("--cache-ram", type=int, default=0, help="MiB for the states of idle slots")
    parser.add_argument("--start-timeout", type=float, default=120)
    parser.add_argument("--call-timeout", type=float, default=600)
    return parser.parse_args()


def made_up(options):
    source = random.Random(1)

    def ids(count):
        return [source.randrange(100, options.vocabulary) for _ in range(count)]

    shared = ids(options.shared)
    return [shared + ids(options.own) for _ in range(options.calls)], options.reply


def load_prompts(options):
    if not options.prompts:
        return made_up(options)
    with open(options.prompts, encoding="utf-8") as file:
        data = json.load(file)
    return data["prompts"], data["reply_tokens"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def server_command(options, port, context):
    unified = options.unified == "on"
    return [
        options.server, "-m", options.model, "--host", "127.0.0.1", "--port", str(port), "-t", str(options.threads),
        "-tb", str(options.threads), "-np", str(options.slots), "-c", str(context), "-b", "2048", "-ub", "512", "-fa",
        options.flash, "-kvu" if unified else "-no-kvu", "--cache-reuse", str(options.cache_reuse), "-cram",
        str(options.cache_ram), "-sps", "0.1", "--no-webui", "--threads-http", str(options.slots + 2)
    ]


def start(options, context):
    """The server's process, its port and the lines of its log, which grow."""
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "OMP_"))}
    process = subprocess.Popen(server_command(options, port, context), stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, env=environment)
    log = []
    threading.Thread(target=lambda: log.extend(process.stderr), daemon=True).start()
    end = time.monotonic() + options.start_timeout
    while time.monotonic() < end and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return process, port, log
        except OSError:
            pass
        time.sleep(0.1)
    process.kill()
    sys.exit(f"bench_llama_server: llama-server did not come up:\n{tail_of(log)}")


def tail_of(log):
    return b"".join(log[-10:]).decode(errors="replace")


class Caller(threading.Thread):
    """Makes calls over one connection until none is left."""

    def __init__(self, options, port, queue, reply):
        super().__init__(daemon=True)
        self.options, self.queue, self.reply = options, queue, reply
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=options.call_timeout)
        self.calls = self.prompt = self.cached = self.tokens = 0
        self.problem = None

    def run(self):
        try:
            while True:
                try:
                    prompt = self.queue.pop()
                except IndexError:
                    return
                self.call(prompt)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.problem = str(error) or type(error).__name__

    def call(self, prompt):
        body = json.dumps({
            "prompt": prompt, "n_predict": self.reply, "temperature": 0, "samplers": ["temperature"], "ignore_eos": True,
            "cache_prompt": True, "return_tokens": False, "stream": False
        })
        self.connection.request("POST", "/completion", body, {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            raise ValueError(f"status {response.status}: {answer}")
        timings = answer.get("timings", {})
        self.calls += 1
        self.prompt += len(prompt)
        self.cached += timings.get("cache_n", answer.get("tokens_cached", 0))
        self.tokens += answer.get("tokens_predicted", 0)


def measure(options, port, prompts, reply):
    queue = list(reversed(prompts))
    callers = [Caller(options, port, queue, reply) for _ in range(options.slots)]
    begin = time.monotonic()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    seconds = time.monotonic() - begin
    for caller in callers:
        if caller.problem:
            raise RuntimeError(f"a call failed: {caller.problem}")
    calls = sum(c.calls for c in callers)
    return {
        "calls_per_s": calls / seconds, "seconds": seconds, "calls": calls,
        "prompt_tokens": sum(c.prompt for c in callers), "cached_tokens": sum(c.cached for c in callers),
        "reply_tokens": sum(c.tokens for c in callers)
    }


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench_llama_server: interrupted"))  # the server ends with us
    prompts, reply = load_prompts(options)
    prompts = prompts[:options.limit or len(prompts)]
    context = options.slots * ((max(len(p) for p in prompts) + reply + 64 + 255) // 256 * 256)
    process, port, log = start(options, context)
    try:
        measure(options, port, prompts[:1], 1)  # warm-up: memory is touched, one slot holds the shared prefix
        result = measure(options, port, prompts, reply)
    except RuntimeError as error:
        died = f"; the server has ended with status {process.returncode}" if process.poll() is not None else ""
        sys.exit(f"bench_llama_server: {error}{died}\n{tail_of(log)}")
    finally:
        process.terminate()
        process.wait()
    result["settings"] = (f"-np {options.slots} -fa {options.flash} -{'' if options.unified == 'on' else 'no-'}kvu "
                          f"--cache-reuse {options.cache_reuse} -cram {options.cache_ram}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
