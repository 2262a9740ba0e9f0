"""Runs the scenarios on standard input with one client, and prints what the client got.

Usage: drive.py CLIENT, where CLIENT is a module of the package clients. Each of these has a
function connect(server), an asynchronous context manager that yields an object with the
coroutines names() and call(name, arguments). call returns the text that a model would see,
and whether the client calls it an error.
"""

import asyncio
import contextlib
import importlib
import importlib.metadata
import json
import os
import sys
import traceback
import urllib.request


class Server:
    """How to reach agenthost: over HTTP if url is set, else by starting the command."""

    def __init__(self, described):
        self.command = described["command"][0]
        self.args = described["command"][1:]
        self.env = described["env"]
        self.url = described.get("url", "")
        self.headers = {"Authorization": "Bearer " + described["token"]} if self.url else {}


def say(**line):
    print(json.dumps(line), flush=True)


async def ask(url):
    """Asks the vendor's side, which answers "yes" or "no"."""

    def get():
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310
            return answer.read().decode() == "yes"

    return await asyncio.to_thread(get)


async def cancel(session, scenario, control):
    """Cancels a call that the vendor does not answer. Returns whether the vendor saw the end of it."""
    task = asyncio.create_task(session.call(scenario["tool"], scenario["arguments"]))
    if not await ask(control + "/arrived"):
        raise RuntimeError("the vendor did not get the request" + (f": {task.result()}" if task.done() else ""))
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await asyncio.wait_for(task, 5)
    return await ask(control + "/ended?seconds=5")


async def main():
    asked = json.load(sys.stdin)
    say(version=importlib.metadata.version(asked["package"]))
    connect = importlib.import_module("clients." + sys.argv[1]).connect
    ended = None
    try:
        async with connect(Server(asked["server"])) as session:
            for scenario in asked["scenarios"]:
                name = scenario["name"]
                try:
                    if name == "list":
                        say(scenario=name, names=await session.names())
                    elif name == "cancel":
                        ended = await cancel(session, scenario, asked["control"])
                        if ended:
                            say(scenario=name, ended="call")
                    else:
                        text, failed = await session.call(scenario["tool"], scenario["arguments"])
                        say(scenario=name, text=text, failed=failed)
                except Exception as error:  # noqa: BLE001
                    traceback.print_exc()
                    say(scenario=name, error=f"{type(error).__name__}: {error}")
    except BaseException:  # noqa: BLE001
        # Some clients fail to close after a call was cancelled.
        traceback.print_exc()
    if ended is False:
        say(scenario="cancel", ended="close" if await ask(asked["control"] + "/ended?seconds=15") else "never")
    os._exit(0)  # a thread that still waits for an answer must not keep the process


if __name__ == "__main__":
    asyncio.run(main())
