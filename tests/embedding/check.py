"""check.py PAGE SOURCE PROGRAM [--update]: the page's `cpp` block is the source, its `output` block what it prints."""
import re
import subprocess
import sys


def replaced(page, language, text):
    pattern = re.compile(r"```" + language + r"\n.*?```\n", re.DOTALL)
    if len(pattern.findall(page)) != 1:
        sys.exit(f"the page needs exactly one block of `{language}`")
    return pattern.sub(lambda _: f"```{language}\n{text}```\n", page)


def main():
    path, source, program = [argument for argument in sys.argv[1:] if argument != "--update"]
    ran = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True)
    with open(source, encoding="utf-8") as file:
        code = file.read()
    with open(path, encoding="utf-8") as file:
        page = file.read()
    wanted = replaced(replaced(page, "cpp", code), "output", ran.stdout)
    if wanted == page:
        return
    if "--update" not in sys.argv:
        sys.exit(f"{path} does not show {source} and its output; rewrite it with --update\n{ran.stdout}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(wanted)


main()
