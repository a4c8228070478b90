"""check.py PAGE [--update] (-- SOURCE COMMAND…)…: the page's code blocks are the sources, its `output` blocks what the
commands print, in order. A source of `-`: the command is run and not shown. Commands run in one fresh folder."""
import pathlib
import re
import subprocess
import sys
import tempfile


def replaced(page, language, texts):
    """The page with its blocks of a language, which are as many, replaced by the texts."""
    pattern = re.compile(r"```" + language + r"\n.*?```\n", re.DOTALL)
    if len(pattern.findall(page)) != len(texts):
        sys.exit(f"the page needs {len(texts)} blocks of `{language}`")
    remaining = iter(texts)
    return pattern.sub(lambda _: f"```{language}\n{next(remaining)}```\n", page)


def programs(words):
    """(source, command) of each program."""
    starts = [i for i, word in enumerate(words) if word == "--"] + [len(words)]
    return [(words[begin + 1], words[begin + 2:end]) for begin, end in zip(starts, starts[1:])]


def main():
    update = "--update" in sys.argv
    path, *words = [argument for argument in sys.argv[1:] if argument != "--update"]
    outputs, sources = [], {"cpp": [], "python": []}
    with tempfile.TemporaryDirectory(prefix="jade_embedding_") as folder:
        for source, command in programs(words):
            ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=folder)
            if ran.returncode != 0:
                sys.exit(f"{' '.join(command)}: exit status {ran.returncode}\n{ran.stdout}")
            if source == "-":
                continue
            outputs.append(ran.stdout)
            language = "python" if source.endswith(".py") else "cpp"
            sources[language].append(pathlib.Path(source).read_text(encoding="utf-8"))
    page = wanted = pathlib.Path(path).read_text(encoding="utf-8")
    for language, texts in [*sources.items(), ("output", outputs)]:
        if texts:
            wanted = replaced(wanted, language, texts)
    if wanted == page:
        return
    if not update:
        sys.exit(f"{path} does not show its programs and their output; rewrite it with --update\n{''.join(outputs)}")
    pathlib.Path(path).write_text(wanted, encoding="utf-8")


main()
