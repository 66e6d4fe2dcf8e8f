"""`python -m chatbot.bench [NAME] [DATASET …]`: measure, print tables, save JSON. Without a name: all."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from chatbot.bench.report import report_print, report_save

# Name → module and what it measures. Imported when asked for: each starts what it needs.
BENCHES = {
    "product": ("chatbot.bench.product", "start, memory, first token, ingestion and search of the whole product"),
    "streaming": ("chatbot.bench.streaming", "first token and token lag of simultaneous conversations"),
    "search": ("chatbot.bench.search", "latency of search over several thousand passages"),
    "audit": ("chatbot.bench.audit", "writers of one chain, what an event costs, searches of the audit log"),
    "hostile": ("chatbot.bench.hostile", "hostile texts through every door; fails if one does harm"),
    "scale": ("chatbot.bench.scale", "latency and recall of search over up to a million chunks, sizes, build times"),
    "retrieval": ("chatbot.bench.retrieval", "quality of search over BEIR-form data sets"),
    "answers": ("chatbot.bench.answers", "replies to what the documents do not tell, with the embedded model"),
    "injection": ("chatbot.bench.injection", "orders hidden in documents, with the embedded model"),
}
# The product's run measures these together.
ALIASES = {"ingestion": "product", "memory": "product"}


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    name = ALIASES.get(options.name, options.name)
    is_failed = False
    for bench in BENCHES if name == "all" else [name]:
        module = importlib.import_module(BENCHES[bench][0])
        figures = module.run(options)
        report_print(bench, figures)
        print(f"\nSaved as {report_save(bench, figures)}")
        is_failed |= bool(figures.get("failures"))
    return int(is_failed)


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:<10} {text}" for name, (_, text) in BENCHES.items())
    parser = argparse.ArgumentParser(
        prog="python -m chatbot.dev bench",
        description=f"Measure, print tables and save JSON under the data folder.\n\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", default="all", choices=["all", *BENCHES, *ALIASES], metavar="NAME")
    parser.add_argument(
        "datasets",
        nargs="*",
        metavar="DATASET",
        help="retrieval: folders, or names under CHATBOT_BENCH_DATA; hostile: lists",
    )
    parser.add_argument(
        "--limit", type=int, default=0, help="retrieval: only so many questions; hostile: so many lines of each list"
    )
    parser.add_argument("--rows", type=int, default=None, help="audit, scale: how many generated rows are searched")
    parser.add_argument("--keep", default=None, metavar="FOLDER", help="scale: where the loaded database stays")
    parser.add_argument(
        "--rerank",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="retrieval: with the reranker, too, which takes the most time",
    )
    parser.add_argument(
        "--seconds", type=float, default=0, help="answers, injection: ask so long; the next run goes on"
    )
    parser.add_argument("--fresh", action="store_true", help="answers, injection: ask all anew")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
