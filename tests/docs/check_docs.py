#!/usr/bin/env python3
"""Checks that the documents speak of what there is: each test that they name, each file that they link to.

    check_docs.py SOURCE_DIRECTORY
"""

import pathlib
import re
import sys

TEST_NAME = re.compile(r"`((?:[A-Z][a-z0-9]+)+Test)(?:\.([A-Za-z0-9]+))?`")
DEFINITION = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)")
ALIAS = re.compile(r"\b(?:class|struct|using)\s+(\w+Test)\b")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def tests_of(source):
    suites = {}
    for path in (source / "tests").rglob("*.cc"):
        text = path.read_text()
        for suite in ALIAS.findall(text):
            suites.setdefault(suite, set())
        for suite, name in DEFINITION.findall(text):
            suites.setdefault(suite, set()).add(name)
    return suites


def faults_of(document, suites):
    text = document.read_text()
    for suite, name in TEST_NAME.findall(text):
        if suite not in suites or (name and name not in suites[suite]):
            yield f"there is no test {suite}{'.' + name if name else ''}"
    for target in LINK.findall(text):
        if "://" not in target and not (document.parent / target).exists():
            yield f"there is no file {target}"


def main():
    source = pathlib.Path(sys.argv[1])
    suites = tests_of(source)
    documents = [*source.glob("*.md"), *source.glob("docs/**/*.md"), *source.glob("schemas/*.md")]
    faults = [f"{one.relative_to(source)}: {fault}" for one in documents for fault in faults_of(one, suites)]
    print("\n".join(faults) or f"{len(documents)} documents, {len(suites)} suites of tests")
    return 1 if faults or not suites else 0


if __name__ == "__main__":
    sys.exit(main())
