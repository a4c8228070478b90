#!/usr/bin/env python3
"""Golden tests of the prompt: sessions as they look on a terminal, run again and compared.

  run.py --jade BUILD/jade [--update] [CASE…]

A case of tests/repl/cases is a session that runs in a fresh folder of its own, under lines that prepare it:

  # what it shows
  requires: no-backbone         as in tests/cli/run.py, like the next three
  copy: solve.jade              from tests/cli/files
  mask: PATTERN => TEXT
  <<< name                      a file, up to >>>
  arguments: solve.jade         of `jade repl`; `--echo` is there
  exit: 3                       its exit status, if it is not 0
  --- session
  jade> 1 + 2
  3 : Int

What stands behind `jade> ` and `....> ` is typed; the rest is what comes back, standard error included. `--update`
keeps the typed lines and rewrites the others. The ```console blocks of docs/repl.md, all together, are a case too.
"""
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))
import run as cli  # noqa: E402

TYPED = re.compile(r"^(?:jade|\.\.\.\.)> ?(.*)$")
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)


class Session(cli.Setting):
    def __init__(self, name, lines):
        super().__init__()
        self.name = name
        self.arguments, self.status = [], 0
        self.head = lines[:lines.index("--- session") + 1] if "--- session" in lines else []
        self.lines = lines[len(self.head):]

    def ready(self, programs, folder):
        """Makes everything ready; false when it cannot run here, `skip` says why."""
        lines = iter(self.head)
        for line in lines:
            word, _, rest = line.partition(" ")
            if word == "requires:" and self.unmet(rest, programs):
                return False
            if word == "arguments:":
                self.arguments = shlex.split(rest)
            elif word == "exit:":
                self.status = int(rest)
            else:
                self.prepare(line, lines, folder)
        return True

    def run(self, programs, folder):
        typed = "".join(found[1] + "\n" for found in map(TYPED.match, self.lines) if found)
        done = subprocess.run([programs["jade"], "repl", "--echo", *self.arguments], cwd=folder, input=typed.encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=cli.environment(folder),
                              timeout=cli.TIMEOUT_SECONDS, check=False)
        text = cli.masked(done.stdout, folder, self.masks)
        # Typed lines keep the look they have in the case: an empty one has no blank behind the prompt.
        lines = [line.rstrip() for line in text.split("\n")]
        while lines and not lines[-1]:
            lines.pop()
        return lines, done.returncode


def sessions(wanted):
    """(session, write): write(lines) puts the session back where it stands."""
    for path in sorted((HERE / "cases").glob("*.txt")):
        if wanted and path.stem not in wanted:
            continue
        session = Session(path.stem, path.read_text(encoding="utf-8").rstrip("\n").split("\n"))
        yield session, lambda lines, path=path, session=session: path.write_text(
            "\n".join(session.head + lines) + "\n", encoding="utf-8")
    document = cli.ROOT / "docs" / "repl.md"
    if document.exists() and (not wanted or document.stem in wanted):
        yield from document_session(document)


def document_session(document):
    text = document.read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    lines = [line for block in blocks for line in block.rstrip("\n").split("\n")]
    session = Session("docs/repl.md", lines)
    session.head = ["copy: replies.jsonl plan.jsonl", "arguments: --replies replies.jsonl --no-trace"]
    session.status = 1
    counts = [sum(1 for line in block.split("\n") if TYPED.match(line)) for block in blocks]

    def write(lines):
        rest = list(lines)
        renewed = []
        for count in counts:
            block, seen = [], 0
            while rest and (seen < count or not TYPED.match(rest[0])):
                seen += bool(TYPED.match(rest[0]))
                block.append(rest.pop(0))
            renewed.append("\n".join(block))
        pieces = iter(renewed)
        document.write_text(BLOCK.sub(lambda _: f"```console\n{next(pieces)}\n```", text), encoding="utf-8")

    yield session, write


def main():
    arguments, programs = cli.read_arguments()
    count = failed = 0
    for session, write in sessions(arguments.cases):
        count += 1
        with tempfile.TemporaryDirectory(prefix="jade_repl_") as name:
            folder = pathlib.Path(name).resolve()
            if not session.ready(programs, folder):
                print(f"skipped {session.name}: {session.skip}")
                continue
            lines, status = session.run(programs, folder)
        if status != session.status:
            lines.append(f"(exit status {status}, expected {session.status})")
        failed += cli.settle(session.name, session.lines, lines,
                             arguments.update and status == session.status and write)
    print(f"{count} sessions, {failed} failed")
    return 1 if failed or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
