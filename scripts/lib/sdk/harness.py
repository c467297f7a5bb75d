"""Runs checks one after another and prints one line for each."""

import time
import traceback

CHECKS = []


def check(name, *needs):
    """Registers a check; `needs` are the parts of the lab without which it says nothing."""

    def register(function):
        CHECKS.append((name, needs, function))
        return function

    return register


def run_checks(lab):
    """Returns how many checks failed."""
    passed = failed = 0
    for name, needs, function in CHECKS:
        missing = [need for need in needs if need not in lab.has]
        if missing:
            print(f"  -   {name} (needs {' and '.join(missing)})", flush=True)
            continue
        started = time.monotonic()
        try:
            function(lab)
        except Exception:  # Whatever it is, the other checks still say something.
            failed += 1
            print(f" FAIL {name}", flush=True)
            traceback.print_exc()
        else:
            passed += 1
            print(f"  ok  {name} ({(time.monotonic() - started) * 1000:.0f} ms)", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    return failed


def expect(is_true, what):
    if not is_true:
        raise AssertionError(what)


def expect_error(error_class, asking, **fields):
    """Calls `asking`, which must raise exactly this class with these attributes."""
    try:
        asking()
    except error_class as error:
        expect(type(error) is error_class, f"{type(error).__name__}, not {error_class.__name__}")
        for name, value in fields.items():
            found = getattr(error, name)
            expect(found == value, f"{name} is {found!r}, not {value!r}")
        return error
    raise AssertionError(f"no {error_class.__name__}")


def until(is_met, what):
    """Asks again until it is so, for some seconds at most."""
    deadline = time.monotonic() + 10
    while not is_met():
        expect(time.monotonic() < deadline, f"{what}: not within 10 s")
        time.sleep(0.01)
