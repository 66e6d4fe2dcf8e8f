"""`manage.py index_build --name NAME …`: build another search index beside the live one; `--pause`, `--resume`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from apps.rag.management.indexes import command_error, profile_named
from apps.rag.models import IndexProfile
from apps.rag.profiles.changing import BuildWish, index_build, index_pace, index_pause, index_resume
from chatbot.lib.errors import AppError

LABEL = "index_build"


class Command(BaseCommand):
    help = "Build a search index beside the live one, in the background; or pause one, go on with it, change its pace."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="what to call it; with --pause and --resume: which one")
        parser.add_argument("--provider", choices=IndexProfile.Provider.values, help="as the live one unless told")
        parser.add_argument("--embedder", help="the embedding model; as the live one unless told")
        parser.add_argument("--dimensions", type=int, help="cut vectors to so many; as long as the model's unless told")
        parser.add_argument("--query-prefix", help="stands before questions; what is known of the model unless told")
        parser.add_argument("--document-prefix", help="stands before passages, likewise")
        parser.add_argument("--vector-type", choices=IndexProfile.VectorType.values, default="halfvec")
        parser.add_argument("--chunk-ideal", type=int, help="tokens that a passage should have")
        parser.add_argument("--chunk-minimum", type=int)
        parser.add_argument("--chunk-maximum", type=int)
        parser.add_argument("--rate", type=int, help="passages a minute; as many as it can unless told, or with 0")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--pause", action="store_true", help="let the build stand still")
        what.add_argument("--resume", action="store_true", help="go on with a paused or failed build")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            profile = self._done(options)
        except AppError as error:
            raise command_error(error) from error
        self.stdout.write(f"{profile.title} ({profile.pk}): {profile.state}")

    def _done(self, options: dict[str, Any]) -> IndexProfile:
        if not options["pause"] and not options["resume"]:
            return index_build(actor=None, actor_label=LABEL, wish=_wish(options))
        profile = profile_named(options["name"])
        if options["pause"]:
            return index_pause(actor=None, actor_label=LABEL, profile_id=profile.pk)
        if options["rate"] is not None:
            index_pace(actor=None, actor_label=LABEL, profile_id=profile.pk, chunks_per_minute=options["rate"] or None)
        return index_resume(actor=None, actor_label=LABEL, profile_id=profile.pk)


def _wish(options: dict[str, Any]) -> BuildWish:
    sizes = {name: options[f"chunk_{name}"] for name in ("minimum", "ideal", "maximum")}
    return BuildWish.like_live(
        name=options["name"],
        provider=options["provider"],
        embedder=options["embedder"],
        dimensions=options["dimensions"],
        query_prefix=options["query_prefix"],
        document_prefix=options["document_prefix"],
        vector_type=options["vector_type"],
        chunks_per_minute=options["rate"] or None,
        chunking={name: size for name, size in sizes.items() if size},
    )
