// SPDX-License-Identifier: Apache-2.0
#include "base/check.hpp"
#include "wire/wire.hpp"

namespace {

template <class Value>
void check_round(const vcity::Result<Value>& value, vcity::Result<Value> (*parse)(vcity::ByteView)) {
    if (value) CHECK(parse(vcity::wire::encode(*value)).value() == *value);
}

}  // namespace

// The first byte chooses the record.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const vcity::ByteView bytes{data + 1, size - 1};
    switch (data[0] % 7) {
        case 0: check_round(vcity::wire::parse_receipt(bytes), vcity::wire::parse_receipt); break;
        case 1: check_round(vcity::wire::parse_batch(bytes), vcity::wire::parse_batch); break;
        case 2: check_round(vcity::wire::parse_job_order(bytes), vcity::wire::parse_job_order); break;
        case 3: check_round(vcity::wire::parse_lease(bytes), vcity::wire::parse_lease); break;
        case 4: check_round(vcity::wire::parse_work_order(bytes), vcity::wire::parse_work_order); break;
        case 5: check_round(vcity::wire::parse_step_work(bytes), vcity::wire::parse_step_work); break;
        default: check_round(vcity::wire::parse_verdict(bytes), vcity::wire::parse_verdict); break;
    }
    return 0;
}
