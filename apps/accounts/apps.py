from django.apps import AppConfig
from typing_extensions import override


class AccountsConfig(AppConfig):
    name = "apps.accounts"

    @override
    def ready(self) -> None:
        from apps.accounts import receivers  # noqa: F401
        from apps.accounts.audit_sources import audit_role, audit_workspace
        from apps.accounts.second_factor import receivers as second_factor_receivers  # noqa: F401
        from apps.accounts.sso import checks  # noqa: F401
        from apps.audit.sources import sources_register

        sources_register(role=audit_role, workspace=audit_workspace)
