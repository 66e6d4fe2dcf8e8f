"""Questions of one instant are taken up in turn."""

import asyncio

import pytest

from chatbot.turnstile import WIDTH, Turnstile

QUESTION = {"type": "http", "method": "POST", "path": "/api/v1/conversations/1/messages"}


class Recorder:
    """An application that begins its answer when told to, and ends it when told to."""

    def __init__(self):
        self.entered = []
        self.begin = asyncio.Event()
        self.end = asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.entered.append(scope["number"])
        await self.begin.wait()
        await send({"type": "http.response.start"})
        await self.end.wait()


async def _nothing(*_):
    return {}


def _ask(turnstile, number, **changes):
    return asyncio.create_task(turnstile({**QUESTION, "number": number, **changes}, _nothing, _nothing))


async def _settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_questions_enter_in_order_and_open_streams_hold_nobody_up():
    application = Recorder()
    turnstile = Turnstile(application)
    tasks = [_ask(turnstile, number) for number in range(5)]
    await _settle()
    assert application.entered == list(range(WIDTH))
    application.begin.set()
    await _settle()
    assert application.entered == [0, 1, 2, 3, 4]
    application.end.set()
    await asyncio.gather(*tasks)


async def test_other_requests_pass_freely():
    application = Recorder()
    turnstile = Turnstile(application)
    tasks = [_ask(turnstile, number) for number in range(WIDTH)]
    tasks += [_ask(turnstile, 10, method="GET"), _ask(turnstile, 11, path="/api/v1/me")]
    await _settle()
    assert {10, 11} <= set(application.entered)
    application.begin.set()
    application.end.set()
    await asyncio.gather(*tasks)


async def test_broken_and_cancelled_questions_give_their_place_back():
    async def broken(scope, receive, send):
        raise RuntimeError

    turnstile = Turnstile(broken)
    for number in range(WIDTH + 1):
        with pytest.raises(RuntimeError):
            await _ask(turnstile, number)
    application = Recorder()
    turnstile = Turnstile(application)
    tasks = [_ask(turnstile, number) for number in range(WIDTH)]
    await _settle()
    for task in tasks:
        task.cancel()
    last = _ask(turnstile, 99)
    await _settle()
    assert application.entered[-1] == 99
    application.begin.set()
    application.end.set()
    await last
