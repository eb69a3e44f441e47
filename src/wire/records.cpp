// SPDX-License-Identifier: Apache-2.0
#include <vcity/v1/records.pb.h>
#include <vcity/v1/work.pb.h>

#include "wire/shape.hpp"
#include "wire/wire.hpp"
#include "wire/work_convert.hpp"

namespace vcity::wire {
namespace {

// A batch is the one record with long lists.
constexpr ShapeLimits kRecordLimits{.bytes_max = 16U << 20U, .elements_max = 2 * kBatchReceiptsMax + kEarningsMax};

template <class Proto, class Value>
Bytes encode_as(const Value& value) {
    Proto proto;
    write(value, &proto);
    return serialize(proto);
}

template <class Proto>
auto parse_as(ByteView bytes) -> Result<decltype(read(std::declval<Reader&>(), std::declval<const Proto&>()))> {
    Proto proto;
    TRY_OK(parse_bounded(bytes, kRecordLimits, &proto));
    Reader in;
    auto value = read(in, proto);
    return std::move(in).finish(std::move(value));
}

}  // namespace

Bytes encode(const SignedReceipt& receipt) {
    return encode_as<v1::SignedReceipt>(receipt);
}

Result<SignedReceipt> parse_receipt(ByteView bytes) {
    return parse_as<v1::SignedReceipt>(bytes);
}

Bytes encode(const Batch& batch) {
    return encode_as<v1::Batch>(batch);
}

Result<Batch> parse_batch(ByteView bytes) {
    return parse_as<v1::Batch>(bytes);
}

Bytes encode(const JobOrder& order) {
    return encode_as<v1::JobOrder>(order);
}

Result<JobOrder> parse_job_order(ByteView bytes) {
    return parse_as<v1::JobOrder>(bytes);
}

Bytes encode(const Lease& lease) {
    return encode_as<v1::Lease>(lease);
}

Result<Lease> parse_lease(ByteView bytes) {
    return parse_as<v1::Lease>(bytes);
}

Bytes encode(const SignedVerdict& verdict) {
    return encode_as<v1::SignedVerdict>(verdict);
}

Result<SignedVerdict> parse_verdict(ByteView bytes) {
    return parse_as<v1::SignedVerdict>(bytes);
}

Bytes encode(const WorkOrder& order) {
    return encode_as<v1::WorkOrder>(order);
}

Result<WorkOrder> parse_work_order(ByteView bytes) {
    return parse_as<v1::WorkOrder>(bytes);
}

Bytes encode(const StepWork& work) {
    return encode_as<v1::StepWork>(work);
}

Result<StepWork> parse_step_work(ByteView bytes) {
    return parse_as<v1::StepWork>(bytes);
}

}  // namespace vcity::wire
