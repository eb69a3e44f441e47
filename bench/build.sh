# SPDX-License-Identifier: Apache-2.0
# Sourced by the benchmarks, in the repository's root. build TARGET...: builds them in preset release, installing the
# toolchain first where it is missing, and sets `folder` to where they are. With VCITY_BENCH_BUILD nothing is built.
build() {
  folder="${VCITY_BENCH_BUILD:-build/release}"
  [ -z "${VCITY_BENCH_BUILD:-}" ] || return 0
  { command -v ninja && command -v cmake && command -v clang++-19; } > /dev/null || tools/dev setup >&2
  cmake --preset release -B "$folder" >&2
  ninja -C "$folder" "$@" >&2
}
