#!/usr/bin/env python3
"""Checks that the documents speak of what there is: each test that they name, each file that they link to or name, a
test for each threat, and a line for each fuzz target.

    check_docs.py SOURCE_DIRECTORY
"""

import pathlib
import re
import sys

TEST_NAME = re.compile(r"`([A-Z]\w*Test)(?:\.([A-Za-z0-9]+))?`")
DEFINITION = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)")
ALIAS = re.compile(r"\b(?:class|struct|using)\s+(\w+Test)\b")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
FILE_NAME = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.(?:cc|h|py|mjs|fbs))`")
THREAT = re.compile(r"^\| (.+?) \| .+ \| (.+) \|$", re.MULTILINE)
INSTALL_TEST = "the install test"  # tests/install/check_install.py


def tests_of(source):
    suites = {}
    for path in (source / "tests").rglob("*.cc"):
        text = path.read_text()
        for suite in ALIAS.findall(text):
            suites.setdefault(suite, set())
        for suite, name in DEFINITION.findall(text):
            suites.setdefault(suite, set()).add(name)
    return suites


def files_of(source):
    """Paths as the documents name them: from the top, from a folder of the top, or the name alone."""
    names = set()
    for path in source.rglob("*"):
        parts = path.relative_to(source).parts
        if path.is_file() and parts[0] not in (".git", "build") and "node_modules" not in parts:
            names.update("/".join(parts[i:]) for i in range(len(parts)))
    return names


def threats_without_test(document):
    for threat, tests in THREAT.findall(document.read_text().split("\n## Through", 1)[1]):
        if threat not in ("threat", "---") and not TEST_NAME.search(tests) and INSTALL_TEST not in tests:
            yield f"no test stands beside '{threat}'"


def fuzz_targets_without_line(source, document):
    targets = re.findall(r"^roost_fuzz_target\((\w+)", (source / "tests/fuzz/CMakeLists.txt").read_text(), re.MULTILINE)
    text = document.read_text()
    for target in targets:
        if f"| `{target}` |" not in text:
            yield f"no line says what the fuzz target {target} tries"
    if not targets:
        yield "tests/fuzz has no targets"


def faults_of(document, suites, files):
    text = document.read_text()
    for suite, name in TEST_NAME.findall(text):
        if suite not in suites or (name and name not in suites[suite]):
            yield f"there is no test {suite}{'.' + name if name else ''}"
    for target in LINK.findall(text):
        if "://" not in target and not (document.parent / target).exists():
            yield f"there is no file {target}"
    for name in FILE_NAME.findall(text):
        if name not in files:
            yield f"there is no file {name}"


def main():
    source = pathlib.Path(sys.argv[1])
    suites = tests_of(source)
    documents = [*source.glob("*.md"), *source.glob("docs/**/*.md"), *source.glob("schemas/*.md")]
    files = files_of(source)
    faults = [f"{one.relative_to(source)}: {fault}" for one in documents for fault in faults_of(one, suites, files)]
    faults += [f"docs/threat-model.md: {fault}" for fault in threats_without_test(source / "docs/threat-model.md")]
    reliability = source / "docs/reliability.md"
    faults += [f"docs/reliability.md: {fault}" for fault in fuzz_targets_without_line(source, reliability)]
    print("\n".join(faults) or f"{len(documents)} documents, {len(suites)} suites of tests")
    return 1 if faults or not suites else 0


if __name__ == "__main__":
    sys.exit(main())
