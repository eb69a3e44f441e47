# SPDX-License-Identifier: Apache-2.0
"""tools/dev: build, test, measure and show Vcity."""
import argparse
import os
import pathlib
import sys

from . import build as building
from . import checks, ci, demo, setup
from .shell import BUILD, ROOT, Failed, run


def parser():
    top = argparse.ArgumentParser(prog="tools/dev", description=__doc__,
                                  epilog="Two of these are all a newcomer needs: `make demo` and `make test`.")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")

    def command(name, help_text):
        return commands.add_parser(name, help=help_text, description=help_text)

    command("help", "this text")
    command("setup", "install Debian and npm packages that are missing")
    one = command("build", "configure if needed and build a preset (dev, asan, tsan, gcc, release, fuzz)")
    one.add_argument("preset", nargs="?", default="dev")
    one.add_argument("targets", nargs="*")
    one = command("test", "build a preset and run its tests")
    one.add_argument("preset", nargs="?", default="dev")
    one.add_argument("filter", nargs="?", help="only tests whose name matches this regular expression")
    one = command("check", "format, lints; with --tidy also clang-tidy on what changed")
    one.add_argument("--tidy", action="store_true")
    one.add_argument("--base", default="HEAD~1", help="changed since this revision (default %(default)s)")
    one = command("sim", "run the whole-network simulation: --seed N replays one, --seeds A..B hunts")
    one.add_argument("--seed", type=int)
    one.add_argument("--seeds", default="1..1000")
    one.add_argument("--schedulers", default="mixed", help="scheduler processes; mixed: 1 to 3, by the seed")
    one.add_argument("--preset", default="release")
    one = command("power-cut", "cut the power of a store's disk so many times and look for lost commits (needs root)")
    one.add_argument("--cuts", type=int, default=1000)
    one.add_argument("--seed", type=int)
    one = command("schedulers", "two scheduler processes on PostgreSQL: kill and pause them so many times")
    one.add_argument("--rounds", type=int, default=200)
    one.add_argument("--seed", type=int)
    one = command("node-kills", "kill nodes' agents, sandboxes and jobs so many times and look for what is lost")
    one.add_argument("--rounds", type=int, default=100)
    one.add_argument("--seed", type=int)
    one.add_argument("--simulated", type=int, metavar="SEEDS", help="so many seeds in the simulator instead")
    one = command("fuzz", "run a fuzz target (without a name: list them)")
    one.add_argument("target", nargs="?")
    one.add_argument("--minutes", type=float, default=1)
    one = command("bench", "run a benchmark: a table, or with --json one object of stable figure names")
    one.add_argument("name", nargs="?")
    one.add_argument("--json", action="store_true")
    one.add_argument("--data", type=pathlib.Path, help="input in place of the usual, for benchmarks that read some")
    one = command("contracts", "campaigns over the contracts that are too long for every change")
    one.add_argument("what", choices=["coverage", "mutate", "deep", "gas"],
                     help="coverage by contract; mutation test; fuzz and invariants in depth; gas beside the peers")
    one.add_argument("words", nargs=argparse.REMAINDER, help="further words go to the tool")
    one = command("story", "the whole story of the trust layer, from registration to an agent's sale, on a real chain")
    one.add_argument("--chain", choices=["anvil", "posnet"], default="anvil",
                     help="posnet: four proof-of-stake nodes, one of which is killed half way")
    command("posnet", "four proof-of-stake nodes on this machine, until Ctrl-C")
    one = command("net", "a development network on this machine; further words go to `vcity devnet`")
    one.add_argument("words", nargs=argparse.REMAINDER)
    one = command("package", "the Debian package, under build/package")
    one.add_argument("--preset", default="release")
    one = command("try-deb", "install the package into a clean Debian root and earn there (root, mmdebstrap, lintian)")
    one.add_argument("--image", action="store_true", help="build the container image and start it, too (needs podman)")
    one.add_argument("--preset", default="release")
    one = command("demo", "what `make demo` runs")
    one.add_argument("--keep", action="store_true", help="leave the network running at the end")
    command("ci", "what `make test` runs")
    return top


def sim(args):
    building.build(args.preset, ["vcity_scenario"])
    program = BUILD / args.preset / "tests/scenarios/vcity_scenario"
    which = ["--seed", args.seed] if args.seed is not None else ["--seeds", args.seeds]
    run([program, *which, "--schedulers", args.schedulers])


def power_cut(args):
    folder = building.build("dev", ["power_cut_store", "power_cut_store_unflushed"])
    seed = ["--seed", args.seed] if args.seed is not None else []
    run(["python3", "tests/power/power_cut.py", "--programs", folder / "tests/power", "--cuts", args.cuts, *seed])


def schedulers(args):
    folder = building.build("dev", ["vcity", "schedulers_trial"])
    seed = ["--seed", args.seed] if args.seed is not None else []
    run(["python3", "tests/e2e/test_schedulers.py", "--vcity", folder / "apps/vcity/vcity", "--trial",
         folder / "tests/e2e/schedulers/schedulers_trial", "--rounds", args.rounds, *seed])


def node_kills(args):
    if args.simulated:
        folder = building.build("dev", ["scenario_test"])
        run([folder / "tests/scenarios/scenario_test", "--gtest_filter=*WorkSeeds*", "--gtest_brief=1"],
            env={"VCITY_WORK_SEEDS": str(args.simulated)})
        return
    folder = building.build("dev", ["vcity", "vcity-worker"])
    seed = ["--seed", args.seed] if args.seed is not None else []
    run(["python3", "tests/e2e/test_node_kills.py", "--vcity", folder / "apps/vcity/vcity", "--worker",
         folder / "apps/worker/vcity-worker", "--rounds", args.rounds, *seed])


def fuzz(args):
    names = sorted(path.stem for path in ROOT.glob("**/*_fuzz.cpp") if "build" not in path.parts)
    if args.target not in names:
        print("fuzz targets: " + ", ".join(names))
        return
    folder = building.build("fuzz", [args.target])
    program = next(path for path in folder.rglob(args.target) if path.is_file())
    seeds = next(ROOT.glob(f"src/**/{args.target}_corpus"), None) or next(ROOT.glob(f"**/{args.target}_corpus"))
    found = BUILD / "fuzz-corpus" / args.target
    found.mkdir(parents=True, exist_ok=True)
    run([program, f"-max_total_time={int(args.minutes * 60)}", "-timeout=5", "-rss_limit_mb=2048",
         f"-artifact_prefix={found}/", found, seeds])


def bench(args):
    names = sorted(path.parent.name for path in ROOT.glob("bench/*/run.sh"))
    if args.name not in names:
        raise Failed(f"no benchmark {args.name!r}; there are: {', '.join(names)}")
    data = ["--data", args.data.resolve()] if args.data else []
    run(["bash", f"bench/{args.name}/run.sh", *data, *(["--json"] if args.json else [])], quiet=args.json)


def contracts(args):
    setup.setup(["contracts"])
    folder = ROOT / "contracts"
    if args.what == "coverage":
        run(["python3", "tools/coverage.py", *args.words], cwd=folder)
    elif args.what == "mutate":
        areas = ["token", "governance", "treasury", "network", "settlement", "agents"]
        run(["python3", "tools/mutate.py", *(args.words or [f"--area={area}" for area in areas])], cwd=folder)
    elif args.what == "deep":
        forge = folder / "node_modules/@foundry-rs/forge-linux-amd64/bin/forge"
        run([forge, "test", *args.words], cwd=folder, env={"FOUNDRY_PROFILE": "deep"})
    else:
        run(["bash", "bench/contracts/run.sh", *args.words])


def story(args):
    building.build("dev", ["vcity", "vcity-worker"])
    run(["python3", "tests/story/story.py", "--chain", args.chain, "--build", BUILD / "dev"])


def net(args):
    building.build("release", ["vcity", "vcity-worker"])
    program = str(BUILD / "release/apps/vcity/vcity")
    os.execv(program, [program, "devnet", *args.words])


def package(args):
    folder = building.build(args.preset, ["vcity", "vcity-worker", "vcity-init"])
    made = run(["bash", "packaging/build_deb.sh", folder, BUILD / "package"], capture=True).strip().splitlines()[-1]
    print(made)
    return made, folder


def try_deb(args):
    made, folder = package(args)
    run(["lintian", "--fail-on", "error,warning", "--allow-root", made])
    run(["python3", "packaging/try_deb.py", made, folder])
    if args.image:
        run(["bash", "packaging/try_image.sh", made, folder])


def main():
    top = parser()
    args = top.parse_args()
    actions = {
        "setup": lambda: setup.setup(),
        "build": lambda: building.build(args.preset, args.targets),
        "test": lambda: (building.build(args.preset), building.ctest(args.preset, filter_by=args.filter)),
        "check": lambda: (checks.check(), checks.tidy(args.base) if args.tidy else None),
        "sim": lambda: sim(args),
        "power-cut": lambda: power_cut(args),
        "schedulers": lambda: schedulers(args),
        "node-kills": lambda: node_kills(args),
        "fuzz": lambda: fuzz(args),
        "bench": lambda: bench(args),
        "contracts": lambda: contracts(args),
        "story": lambda: story(args),
        "posnet": lambda: run(["python3", "tests/posnet/posnet.py"]),
        "net": lambda: net(args),
        "package": lambda: package(args),
        "try-deb": lambda: try_deb(args),
        "demo": lambda: demo.demo(keep=args.keep),
        "ci": lambda: ci.ci(),
    }
    if args.command not in actions:
        top.print_help()
        return 0 if args.command == "help" else 2
    try:
        actions[args.command]()
    except Failed as failure:
        print(f"tools/dev: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
