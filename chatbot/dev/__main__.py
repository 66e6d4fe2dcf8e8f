"""The entry of `python3 -m chatbot.dev`. Every Python 3 can parse this file, so that an old one gets a sentence."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the reader may be any Python
    sys.exit(
        "This product needs Python 3.11 or newer and this is Python %d.%d: "  # noqa: UP031
        "install a newer one and run the command with it, for example `python3.12 -m chatbot.dev up`."
        % sys.version_info[:2]
    )

from chatbot.dev.cli import main

sys.exit(main(sys.argv[1:]))
