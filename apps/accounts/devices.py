"""What people call a device, read from what its program says of itself."""

from functools import lru_cache

UNKNOWN = "Unknown device"
_NAME_MAXIMUM = 60


@lru_cache(maxsize=1024)
def device_name(user_agent: str) -> str:
    """ "Firefox on Windows"; of what is no browser its own name; UNKNOWN where it says nothing."""
    if not user_agent.strip():
        return UNKNOWN
    # Its tables take a tenth of a second and some megabytes, so whoever needs no list does not pay for them.
    from ua_parser import parse

    found = parse(user_agent)
    program = found.user_agent.family if found.user_agent else ""
    system = found.os.family if found.os else ""
    if program and system:
        return f"{program} on {system}"
    return program or system or user_agent.split()[0].partition("/")[0][:_NAME_MAXIMUM] or UNKNOWN
