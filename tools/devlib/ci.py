# SPDX-License-Identifier: Apache-2.0
"""Everything that must pass before a change lands, cheapest first."""
import re

from .build import SLOW_LABELS, build, ctest, print_failures
from .checks import check
from .setup import setup
from .shell import ROOT, Failed, Step, run

# Everything is compiled, so what all files include is compiled once.
WHOLE = ("-DVCITY_PCH=ON",)


def contracts():
    output = run(["bash", "contracts/tools/test.sh"], capture=True)
    print(output[-6_000:], flush=True)
    return sum(int(count) for count in re.findall(r"^Ran \d+ test suites?.*?: (\d+) tests passed", output, re.M))


def web():
    """The page and the TypeScript beside it: types, style, unit tests, the build and its weight."""
    for folder in ("sdk/typescript", "web"):
        for words in (["run", "check"], ["test"], ["run", "build"]):
            run(["npm", "--silent", *words], cwd=ROOT / folder)


def preset_tests(preset, **options):
    try:
        return ctest(preset, **options)
    except Failed:
        print_failures(preset)
        raise


def ci():
    passed = 0
    try:
        with Step("setup"):
            setup()
        with Step("check"):
            check()
        with Step("contracts"):
            passed += contracts()
        with Step("web"):
            web()
        with Step("build dev"):
            build("dev", options=WHOLE)
        with Step("test dev: unit and scenarios"):
            passed += preset_tests("dev", exclude_label=SLOW_LABELS)
        with Step("test dev: integration and end to end"):
            # They wait for other processes most of the time.
            passed += preset_tests("dev", label=SLOW_LABELS, parallel=3, retry=True)
        for preset in ("asan", "tsan"):
            with Step(f"build {preset}"):
                build(preset, options=WHOLE)
            with Step(f"test {preset}: unit"):
                passed += preset_tests(preset, exclude_label=SLOW_LABELS)
    finally:
        print("\nstep                                      seconds")
        for name, seconds, good in Step.taken:
            print(f"{name:<40} {seconds:8.0f}{'' if good else '  FAILED'}")
        print(f"total {sum(seconds for _, seconds, _ in Step.taken):.0f} s")
    print(f"\n{passed} passed, 0 failed")
