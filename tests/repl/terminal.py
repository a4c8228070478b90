#!/usr/bin/env python3
"""The prompt on a terminal: keys, history, completion, Ctrl-C.   terminal.py --jade BUILD/jade

Runs it on a pseudo-terminal and waits for what must appear; whatever does not come in time fails the test.
"""
import argparse
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

TIMEOUT_SECONDS = 60
SKIPPED = 77  # as tests/CMakeLists.txt says
CODES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r|\x07")


class Terminal:
    def __init__(self, jade, folder, *arguments):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        self.child = subprocess.Popen([jade, "repl", "--no-trace", *arguments], cwd=folder, env=environment, stdin=slave,
                                      stdout=slave, stderr=slave, start_new_session=True,
                                      preexec_fn=lambda: take_terminal(slave))
        os.close(slave)
        self.raw = b""
        self.seen = b""

    def expect(self, text):
        """Waits until `text` appears behind what was waited for before."""
        wanted = text.encode()
        end = time.monotonic() + TIMEOUT_SECONDS
        while wanted not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                self.child.kill()
                raise AssertionError(f"waited for {text!r}; got {self.seen[-2000:]!r}")
            try:
                piece = os.read(self.master, 65536)
            except OSError:
                piece = b""
            if not piece:
                raise AssertionError(f"ended before {text!r}; got {self.seen[-2000:]!r}")
            self.raw += piece
            self.seen += CODES.sub(b"", piece)
        self.seen = self.seen[self.seen.index(wanted) + len(wanted):]

    def type(self, keys):
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            data = data[os.write(self.master, data[:1000]):]

    def enter(self, text, wanted):
        self.type(text + "\r")
        self.expect(wanted)

    def leave(self):
        self.expect("jade> ")
        self.type("\x04")
        status = self.child.wait(timeout=TIMEOUT_SECONDS)
        assert status == 0, f"exit status {status}"


def take_terminal(slave):
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


def edits_several_lines(jade, folder):
    terminal = Terminal(jade, folder)
    terminal.expect("jade> ")
    terminal.enter("1 + 2", "3 : Int")
    terminal.type("workflow Add(n: Int) -> Int {\r  n + 1\r}\r")
    terminal.expect("defined workflow `Add`")
    terminal.enter("Add(4)", "5 : Int")
    terminal.type("\x1b[A" * 5 + "2\r")  # Add(4); the workflow, from its last line to its first; 1 + 2
    terminal.expect("23 : Int")
    terminal.enter("let word = \"\u00e9\u65e5\"", "word: Text = \"\u00e9\u65e5\"")
    terminal.leave()
    assert b"\x1b[33m1" in terminal.raw, "numbers have a colour"


def remembers(jade, folder):
    terminal = Terminal(jade, folder)
    terminal.expect("jade> ")
    terminal.type("\x1b[A")
    terminal.expect("word")
    terminal.type("\x03")
    terminal.expect("jade> ")
    terminal.type("\x12Add(\r")  # Ctrl-R
    terminal.expect("`Add` is not declared")
    terminal.leave()


def completes(jade, folder):
    terminal = Terminal(jade, folder)
    terminal.expect("jade> ")
    terminal.enter("record Point { across: Int, down: Int }", "defined record `Point`")
    terminal.enter("let point = Point(3, 4)", "Point(across: 3, down: 4)")
    terminal.enter("poi\t.ac\t * 7", "21 : Int")
    terminal.enter(":bou\t", "nothing here makes calls")
    terminal.type("use std.\t")
    terminal.type("\t")
    terminal.expect("std.types")
    terminal.type("\x03")
    terminal.leave()


def ctrl_c_goes_on(jade, folder):
    (folder / "never.jsonl").write_text('{"role": "Quick", "reply": "done"}\n{"role": "Wait", "reply": null}\n')
    terminal = Terminal(jade, folder, "--replies", "never.jsonl")
    terminal.expect("jade> ")
    terminal.type("1 + nothing\x03")
    terminal.expect("jade> ")
    terminal.enter("20 + 1", "21 : Int")
    terminal.type("executor Quick() -> Text {\r  user \"q\"\r  emits text\r}\r")
    terminal.expect("defined executor `Quick`")
    terminal.type("executor Wait(text: Text) -> Text {\r  user \"{text}\"\r  emits text\r}\r")
    terminal.expect("defined executor `Wait`")
    terminal.enter(":set seconds 1000000", "jade> ")
    terminal.enter("Wait(Quick())", "Quick \u2713 done")
    terminal.type("\x03")
    terminal.expect("interrupted")
    terminal.enter("30 + 1", "31 : Int")
    terminal.leave()


def takes_pastes_and_garbage(jade, folder):
    terminal = Terminal(jade, folder)
    terminal.expect("jade> ")
    pasted = "workflow Long(n: Int) -> Int {\n\tlet m = n\n\tm\n}\nLong(41)\nlet x = 1\n"
    terminal.type(f"\x1b[200~{pasted}\x1b[201~\r")
    terminal.expect("41 : Int")
    terminal.expect("x: Int = 1")
    numbers = ",\n".join(str(i) for i in range(20000))
    terminal.type(f"\x1b[200~len([{numbers}])\x1b[201~\r")
    terminal.expect("20000 : Int")
    terminal.type(b"\xff\xfe\x80 1\xc3 + 1\xc3\r")
    terminal.expect("2 : Int")
    terminal.type(b"\x00\x01\x1b[99;99~\x1bOZ@\r")
    terminal.expect("error")
    terminal.enter("50 + 1", "51 : Int")
    terminal.child.send_signal(signal.SIGWINCH)
    terminal.enter("60 + 1", "61 : Int")
    terminal.leave()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jade", required=True)
    arguments = parser.parse_args()
    jade = str(pathlib.Path(arguments.jade).resolve())
    try:
        for end in pty.openpty():
            os.close(end)
    except OSError as error:
        print(f"skipped: this machine gives no pseudo-terminal ({error}); is /dev/pts mounted?")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="jade_terminal_") as name:
        folder = pathlib.Path(name)
        for test in (edits_several_lines, remembers, completes, ctrl_c_goes_on, takes_pastes_and_garbage):
            test(jade, folder)
            print(f"ok      {test.__name__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
