"""One configuration for every environment, driven by the environment's variables. `test.py` alone overrides it."""

from chatbot.settings.accounts import *  # noqa: F403
from chatbot.settings.audit import *  # noqa: F403
from chatbot.settings.base import *  # noqa: F403
from chatbot.settings.database import *  # noqa: F403
from chatbot.settings.files import *  # noqa: F403
from chatbot.settings.logs import *  # noqa: F403
from chatbot.settings.mail import *  # noqa: F403
from chatbot.settings.models import *  # noqa: F403
from chatbot.settings.paths import *  # noqa: F403
from chatbot.settings.queues import *  # noqa: F403
from chatbot.settings.second_factor import *  # noqa: F403
from chatbot.settings.security import *  # noqa: F403
from chatbot.settings.sessions import *  # noqa: F403
from chatbot.settings.sign_in import *  # noqa: F403
from chatbot.settings.sso import *  # noqa: F403
