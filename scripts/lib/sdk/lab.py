"""What the checks run against: a gateway and, where there are, its books and its mock."""

import json
import subprocess
import urllib.request
from dataclasses import dataclass

import openai

TIMEOUT_S = 30


class Lab:
    """Made from the JSON that main.ts writes on standard input."""

    def __init__(self, config):
        self.base_url = config["base_url"]
        self.model = config["model"]
        self.has = set(config["has"])
        self._key = config.get("key")
        self._llmgate = config.get("llmgate")
        self._folder = config.get("folder")
        self._mock_url = config.get("mock_url")
        self._callers = 0

    def caller(self, *flags, **options):
        """A client with a key of its own; `flags` are those of `keys create`."""
        self._callers += 1
        if "books" in self.has:
            name = f"python-{self._callers}"
            issued = self._run("keys", "create", "--name", name, *flags)
        else:
            issued = {"id": None, "key": self._key}
        return Caller(self, issued["id"], issued["key"], options)

    def script(self, *steps):
        """How the mock answers the next requests, in order."""
        self._ask_mock("/mock/script", list(steps))

    def mock_stats(self):
        return self._ask_mock("/mock/stats")

    def last_seen(self):
        """The last request that the mock saw."""
        return self._ask_mock("/mock/requests")["requests"][-1]

    def usage(self, key_id):
        return self._run("usage", "--by", "outcome", "--where", f"key={key_id}")

    def _run(self, *args):
        done = subprocess.run(
            [self._llmgate, *args, "--json"],
            cwd=self._folder,
            env={},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"llmgate {' '.join(args)}: {done.stderr}"
        return json.loads(done.stdout)

    def _ask_mock(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._mock_url + path, data=data)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=TIMEOUT_S) as reply:
            return json.loads(reply.read())


@dataclass
class Caller:
    lab: Lab
    key_id: str | None
    key: str
    options: dict

    @property
    def client(self):
        return openai.OpenAI(**self._settings())

    def async_client(self):
        return openai.AsyncOpenAI(**self._settings())

    def _settings(self):
        settings = {"api_key": self.key, "base_url": self.lab.base_url, "timeout": TIMEOUT_S}
        return settings | self.options

    def expect_booked(self, requests, **total):
        """The books hold this of the key: `total` names counters of `llmgate usage --json`."""
        if self.key_id is None:
            return None
        usage = self.lab.usage(self.key_id)
        expected = {"requests": requests} | total
        found = {name: usage["total"][name] for name in expected}
        assert found == expected, f"the books say {found}, not {expected}"
        return usage

    def expect_outcome(self, outcome):
        """Every request of the key ended so."""
        usage = self.lab.usage(self.key_id)
        found = [row["outcome"] for row in usage["rows"]]
        assert found == [outcome], f"the books say {found}, not {outcome}"
        return usage["total"]
