"""What the dashboard and the alert rules ask for, checked against what the exporter gives.

Every metric that a query names must be one that the exporter has, in its right form (a histogram's _bucket, _sum, _count),
with only those labels, and only those values of labels, that it has.
"""

import json
import re

# Words of PromQL that stand where a metric could, and the labels that Prometheus itself puts on.
WORDS = set("by without on ignoring group_left group_right and or unless bool offset".split())
OWN_METRICS = {"up": {"instance", "job"}}
OWN_LABELS = {"instance", "job"}

NAME = re.compile(r"[A-Za-z_:][\w:]*")
SELECTOR = re.compile(r"([A-Za-z_:][\w:]*)\s*\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
SAMPLE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})? \S+$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def series_of(text):
    """{metric: {label: set of values}} of what an exporter wrote."""
    series = {}
    for line in text.splitlines():
        sample = SAMPLE.match(line)
        if sample:
            labels = series.setdefault(sample.group(1), {})
            for name, value in LABEL.findall(sample.group(2) or ""):
                labels.setdefault(name, set()).add(value)
    return series


def queries_of_dashboard(dashboard):
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"panel '{panel['title']}'", target["expr"], target["legendFormat"]
    for annotation in dashboard["annotations"]["list"]:
        yield f"annotation '{annotation['name']}'", annotation["expr"], ""
    for variable in dashboard["templating"]["list"]:
        label_values = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable.get("definition", ""))
        if label_values:
            yield f"variable '{variable['name']}'", f"sum by ({label_values[2]}) ({label_values[1]})", ""


def queries_of_rules(text):
    """The rules as promtool has read them already: one expression, and the labels that its texts name."""
    for block in re.split(r"\n\s*- alert: ", text)[1:]:
        name = block.split("\n", 1)[0].strip()
        expression = re.search(r"expr: (?:>\n((?:\s{10,}.*\n)+)|(.*)\n)", block)
        labels = " ".join("{{" + label + "}}" for label in re.findall(r"\$labels\.(\w+)", block))
        yield f"alert {name}", (expression[1] or expression[2]).strip(), labels


def faults_of(where, expression, legend, series):
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    bare = re.sub(r"\[[^\]]*\]", "", bare)
    labels_named = set(re.findall(r"\{\{\s*(\w+)\s*\}\}", legend))
    for group in GROUPING.findall(bare):
        labels_named |= {label.strip() for label in group.split(",") if label.strip()}
    bare = GROUPING.sub(" ", bare)
    bare = re.sub(r"\{[^}]*\}", "", bare)
    metrics = [name for name in NAME.findall(bare) if name not in WORDS]
    metrics = [name for name in metrics if not re.search(re.escape(name) + r"\s*\(", bare)]
    known_labels = set(OWN_LABELS)
    if not metrics:
        yield f"{where}: no metric in {expression}"
    for metric in metrics:
        if metric not in series and metric not in OWN_METRICS:
            yield f"{where}: there is no metric {metric}"
        known_labels |= set(series.get(metric, {})) | OWN_METRICS.get(metric, set())
    for label in labels_named - known_labels:
        yield f"{where}: no label {label}"
    for metric, matchers in SELECTOR.findall(expression):
        has = series.get(metric, {})
        for label, operator, value in MATCHER.findall(matchers):
            if label in OWN_LABELS:
                continue
            if label not in has:
                yield f"{where}: {metric} has no label {label}"
                continue
            values = value.split("|") if "~" in operator else [value]
            for one in values:
                if one not in has[label]:
                    yield f"{where}: {metric} has no {label}=\"{one}\""


def check(dashboard_path, rules_path, exported):
    """Returns (how many queries there are, what is wrong with them)."""
    series = series_of(exported)
    dashboard = json.loads(dashboard_path.read_text())
    queries = [*queries_of_dashboard(dashboard), *queries_of_rules(rules_path.read_text())]
    faults = [fault for query in queries for fault in faults_of(*query, series)]
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(ids) != len(set(ids)):
        faults.append("two panels have the same id")
    return len(queries), faults


def check_document(document_path, exported):
    """Every metric that the exporter gives stands in the document, and every one that stands there is given."""
    given = {re.match(r"# TYPE (\S+)", line)[1] for line in exported.splitlines() if line.startswith("# TYPE ")}
    named = set(re.findall(r"`(roost_\w+)(?:\{[^}]*\})?`", document_path.read_text()))
    return [f"{document_path.name} does not name {name}" for name in sorted(given - named)] + [
        f"{document_path.name} names {name}, which there is not" for name in sorted(named - given)
    ]
