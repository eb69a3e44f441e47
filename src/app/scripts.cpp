// SPDX-License-Identifier: Apache-2.0
#include "app/scripts.hpp"

#include <fmt/format.h>

namespace vcity::app {
namespace {

// Arguments: setup, run, "json" or "text", tries of a request, its seconds.
constexpr std::string_view kBegin = R"sh(set -u
export LC_ALL=C
setup=$1; run=$2; form=$3; tries=$4; seconds=$5
tab=$(printf '\t')
if [ -n "$setup" ]; then sh -ec "$setup" || exit; fi
mkdir -p out checkpoint part
results=checkpoint/results.tsv
touch $results
kept=$(wc -l < $results)
head -n "$kept" $results > part/before && cat part/before > $results
total=$(wc -l < requests.tsv)
first=$((VCITY_INDEX * total / VCITY_COUNT)); last=$(((VCITY_INDEX + 1) * total / VCITY_COUNT))
sed -n "$((first + 1)),${last}p" requests.tsv | head -n $((last - first)) > part/shard.tsv
quote() {
    tr -d '\000-\010\013-\014\016-\037' < "$1" | tr -d '\r' |
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e "s/$tab/\\\\t/g" |
        awk 'BEGIN { printf "\"" } NR > 1 { printf "\\n" } { printf "%s", $0 } END { printf "\"" }'
}
succeed() {
    if [ "$form" = text ]; then quote part/answer > part/body; else tr '\n\r' '  ' < part/answer > part/body; fi
    { printf 'ok\t{"id":"batch_req_%s","custom_id":%s,"response":{"status_code":200,' "$number" "$id"
      printf '"request_id":"batch_req_%s","body":' "$number"; cat part/body; printf '},"error":null}\n'; } > part/line
    cat part/line >> $results
}
fail() {
    tail -c 2000 part/talk > part/tail
    { printf 'error\t{"id":"batch_req_%s","custom_id":%s,"response":null,"error":{"code":"%s","message":' \
        "$number" "$id" "$1"; quote part/tail; printf '}}\n'; } > part/line
    cat part/line >> $results
}
is_json() {
    case $(tr -d ' \t\n\r' < part/answer | head -c 1) in '{' | '[' | '"' | [0-9] | - | t | f | n) ;; *) return 1 ;; esac
}
judge() {
    if [ "$1" -ne 0 ]; then fail "exit_$1"
    elif [ "$form" = json ] && ! is_json; then echo 'the command wrote no JSON' > part/talk; fail no_json
    else succeed; fi
}
)sh";

constexpr std::string_view kEach = R"sh(
number=$((first + kept))
tail -n +$((kept + 1)) part/shard.tsv > part/rest
while IFS= read -r line <&3; do
    number=$((number + 1))
    id=${line%%"$tab"*}
    printf '%s\n' "${line#*"$tab"}" > part/request
    try=0; code=1
    while [ $try -lt "$tries" ] && [ $code -ne 0 ]; do
        try=$((try + 1))
        code=0
        REQUEST_ID=$id timeout "$seconds" sh -c "$run" < part/request > part/answer 2> part/talk 3<&- || code=$?
    done
    judge $code
    [ $((number % 100)) -ne 0 ] || echo "request $number of $last"
done 3< part/rest
)sh";

constexpr std::string_view kShard = R"sh(
: > $results
cut -f 2- part/shard.tsv > part/requests.jsonl
try=0; code=1
while [ $try -lt "$tries" ] && [ $code -ne 0 ]; do
    try=$((try + 1))
    code=0
    timeout "$seconds" sh -c "$run" < part/requests.jsonl > part/answers 2> part/errors || code=$?
done
number=$first
while IFS= read -r line <&3; do
    number=$((number + 1))
    id=${line%%"$tab"*}
    if IFS= read -r answer <&4; then
        printf '%s\n' "$answer" > part/answer
        : > part/talk
        judge 0
    else
        cp part/errors part/talk
        [ -s part/talk ] || echo 'the command wrote no line for this request' > part/talk
        if [ $code -ne 0 ]; then fail "exit_$code"; else fail no_answer; fi
    fi
done 3< part/shard.tsv 4< part/answers
)sh";

constexpr std::string_view kEnd = R"sh(
cp $results out/results.tsv
echo "$((last - first)) requests, $(grep -c '^error' out/results.tsv || true) failed"
)sh";

constexpr std::string_view kMerge = R"sh(set -eu
export LC_ALL=C
mkdir -p out
tab=$(printf '\t')
index=0
while [ $index -lt "$1" ]; do cat "in/shard/$index/results.tsv"; index=$((index + 1)); done > all.tsv
sed -n "s/^ok$tab//p" all.tsv > out/output.jsonl
sed -n "s/^error$tab//p" all.tsv > out/errors.jsonl
printf '{"total":%d,"completed":%d,"failed":%d}\n' "$(wc -l < all.tsv)" "$(wc -l < out/output.jsonl)" \
    "$(wc -l < out/errors.jsonl)" | tee out/summary.json
)sh";

}  // namespace

std::vector<std::string> setup_and_run(const std::string& setup, const std::string& run) {
    if (setup.empty()) return {"/bin/sh", "-c", run};
    return {"/bin/sh", "-c", R"(/bin/sh -ec "$1" && exec /bin/sh -c "$2")", "app", setup, run};
}

std::vector<std::string> stay() {
    return {"/bin/sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done"};
}

std::vector<std::string> shard_command(const BatchPart& batch, const std::string& setup, const std::string& run) {
    std::string script{kBegin};
    script += batch.is_each ? kEach : kShard;
    script += kEnd;
    return {"/bin/sh",
            "-c",
            std::move(script),
            "batch",
            setup,
            run,
            batch.is_json ? "json" : "text",
            fmt::format("{}", batch.tries),
            fmt::format("{}", batch.request_seconds)};
}

std::vector<std::string> merge_command(std::uint32_t shards) {
    return {"/bin/sh", "-c", std::string{kMerge}, "merge", fmt::format("{}", shards)};
}

}  // namespace vcity::app
