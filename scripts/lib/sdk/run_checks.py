"""Reads the lab as JSON from standard input and runs every check on it."""

import json
import sys

import check_answers  # noqa: F401  Importing a file of checks registers them, in this order.
import check_failures  # noqa: F401
import openai
from harness import run_checks
from lab import Lab

print(f"openai {openai.__version__} for Python {sys.version.split()[0]}", flush=True)
sys.exit(1 if run_checks(Lab(json.load(sys.stdin))) else 0)
