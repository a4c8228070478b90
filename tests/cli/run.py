#!/usr/bin/env python3
"""Golden tests of the command line: runs the commands of tests/cli/cases/*.txt and compares what they print.

  run.py --jade BUILD/jade [--update] [CASE…]

A case is a text file that runs in a fresh folder of its own, with an empty cache:

  # what it shows
  requires: backbone            or no-backbone, dense; the case is skipped elsewhere
  copy: solve.jade              from tests/cli/files
  make: long_line big.jade      from generate.py
  mask: PATTERN => TEXT         what depends on the machine, in all outputs of the case
  <<< name                      a file, up to >>>
  @ interrupt after TEXT        for the next command: SIGINT (or `kill`: SIGKILL) when standard error has shown TEXT
  @ file size 64KiB             for the next command: no file may grow beyond this
  $ jade run solve.jade         then what it wrote to standard error (!) and standard output (|), and its exit status (=)
  ! recorded: jade trace show <id>
  | Answer: Frank Herbert
  = 0

In a command, {jade} is the path of the program. Times, ids, dates, sizes and folders are replaced by placeholders (MASKS).
"""
import argparse
import difflib
import os
import pathlib
import re
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import threading

import generate

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIMEOUT_SECONDS = 120
MASKS = [
    (r'"(elapsed_us|started_unix_us|issued|started|first_token|finished|bytes|seconds_per_question)":[0-9.e-]+',
     r'"\1":<n>'),
    (r"^(indexing|encoding|evaluating|counting|importing) .*", r"\1 <progress>"),
    (r"\b[0-9a-f]{32}\b", "<hash>"),
    (r"\b[0-9a-f]{16}\b", "<id>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<date>"),
    (r" *\b\d+(\.\d+)? (ms|s|min|h)\b", " <time>"),
    (r"\b\d+(\.\d+)? (B|kB|MB|GB|TB)\b", "<size>"),
    (r"\bjade \d+\.\d+\.\d+\b", "jade <version>"),
]


class Setting:
    """What a case asks for before it runs: what must be there, files, masks."""

    def __init__(self):
        self.skip = ""
        self.masks = []

    def unmet(self, wanted, programs):
        has = programs["backbone"]
        if wanted == "dense" and not programs["faiss"]:
            self.skip = "needs a build with -DJADE_FAISS=ON"
        elif wanted in ("backbone", "dense") and not has:
            self.skip = "needs a build with -DJADE_BACKBONE=ON: there is no jade-backbone beside jade"
        elif wanted == "no-backbone" and has:
            self.skip = "shows a build with -DJADE_BACKBONE=OFF"
        return self.skip

    def prepare(self, line, lines, folder):
        """Does what the line asks for; returns those of the lines behind it that belong to it."""
        word, _, rest = line.partition(" ")
        if word == "copy:":
            for name in rest.split():
                (folder / name).write_bytes((HERE / "files" / name).read_bytes())
        elif word == "make:":
            kind, name = rest.split()
            getattr(generate, kind)(folder / name, ROOT)
        elif word == "mask:":
            self.masks.append(tuple(rest.split(" => ")))
        elif word == "<<<":
            return write_file(folder / rest, lines)
        return []


class Case(Setting):
    """The lines of a case file as (kind, text): what is run keeps its place, what is expected is replaced."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.lines = path.read_text(encoding="utf-8").split("\n")

    def run(self, programs, folder):
        """The case file as it would have to be for everything to pass."""
        out, options, lines = [], {}, iter(self.lines)
        for line in lines:
            if line[:2] in ("! ", "| ", "= ") or line in ("!", "|"):
                continue
            out.append(line)
            word, _, rest = line.partition(" ")
            if word == "requires:":
                if self.unmet(rest, programs):
                    return None
            elif word == "@":
                options.update(parse_option(rest))
            elif word == "$":
                out += self.run_command(rest, programs, folder, options)
                options = {}
            else:
                out += self.prepare(line, lines, folder)
        return out

    def run_command(self, text, programs, folder, options):
        words = [word.replace("{jade}", programs["jade"]) for word in shlex.split(text)]
        if words[0] == "jade":
            words[0] = programs["jade"]
        status, stdout, stderr = execute(words, folder, options)
        out = prefixed("!", masked(stderr, folder, self.masks)) + prefixed("|", masked(stdout, folder, self.masks))
        return out + [f"= {status}" if status >= 0 else f"= signal {-status}"]


def write_file(path, lines):
    body = []
    for line in lines:
        if line == ">>>":
            break
        body.append(line)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in body), encoding="utf-8")
    return body + [">>>"]


def masked(data, folder, masks):
    text = data.decode("utf-8", errors="backslashreplace")
    text = text.replace(str(folder), "<dir>")
    text = re.sub(r"(?<![\w.])" + re.escape(str(ROOT)) + r"(?![\w.-])", "<jade>", text)  # not within another path
    for pattern, replacement in masks + MASKS:
        text = re.sub(pattern, replacement, text, flags=re.M)
    return text


def parse_option(text):
    found = re.fullmatch(r"(interrupt|kill) after (.+)", text)
    if found:
        return {"signal": signal.SIGINT if found[1] == "interrupt" else signal.SIGKILL, "after": found[2].encode()}
    found = re.fullmatch(r"file size (\d+)KiB", text)
    if found:
        return {"file_size": int(found[1]) << 10}
    raise ValueError(f"unknown option `@ {text}`")


def prefixed(mark, text):
    if not text:
        return []
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    else:
        lines[-1] += "<no end of line>"
    return [f"{mark} {line}" if line else mark for line in lines]


def environment(folder):
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder / ".home"), "TERM": "dumb", "LC_ALL": "C.UTF-8",
                 "TZ": "UTC"}
    for name in ("LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
        if name in os.environ:
            variables[name] = os.environ[name]
    return variables


def execute(words, folder, options):
    def limit():
        if "file_size" in options:
            resource.setrlimit(resource.RLIMIT_FSIZE, (options["file_size"], resource.RLIM_INFINITY))

    child = subprocess.Popen(words, cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit)
    timer = threading.Timer(TIMEOUT_SECONDS, child.kill)
    timer.start()
    try:
        seen = b""
        while "signal" in options and options["after"] not in seen:
            piece = child.stderr.read1()
            if not piece:
                break
            seen += piece
        if "signal" in options:
            child.send_signal(options["signal"])
        stdout, stderr = child.communicate()
    finally:
        timer.cancel()
    return child.returncode, stdout, seen + stderr


def read_arguments():
    """The arguments, and the programs that are there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jade", required=True)
    parser.add_argument("--no-faiss", action="store_true", help="it was built with -DJADE_FAISS=OFF")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args()
    jade = pathlib.Path(arguments.jade).resolve()
    return arguments, {"jade": str(jade), "backbone": (jade.parent / "jade-backbone").exists(),
                       "faiss": not arguments.no_faiss}


def settle(name, expected, lines, write):
    """Tells how a case went; `write`, if any, puts its lines in the place of others. Whether it failed."""
    if lines == expected:
        print(f"ok      {name}")
        return False
    if write:
        write(lines)
        print(f"updated {name}")
        return False
    print(f"FAILED  {name}")
    print("\n".join(difflib.unified_diff(expected, lines, "expected", "got", lineterm="", n=2)))
    return True


def main():
    arguments, programs = read_arguments()
    paths = sorted((HERE / "cases").glob("*.txt"))
    if arguments.cases:
        paths = [path for path in paths if path.stem in arguments.cases]
    failed = 0
    for path in paths:
        case = Case(path)
        with tempfile.TemporaryDirectory(prefix="jade_cli_") as folder:
            lines = case.run(programs, pathlib.Path(folder).resolve())
        if lines is None:
            print(f"skipped {path.stem}: {case.skip}")
            continue
        write = arguments.update and (lambda new, path=path: path.write_text("\n".join(new), encoding="utf-8"))
        failed += settle(path.stem, case.lines, lines, write)
    if not paths:
        print("no cases")
    print(f"{len(paths)} cases, {failed} failed")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
