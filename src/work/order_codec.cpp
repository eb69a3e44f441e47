// SPDX-License-Identifier: Apache-2.0
#include "work/order_codec.hpp"

namespace vcity::work::detail {
namespace {

// The least that one of each takes, so that a count cannot ask for more memory than the input is worth.
constexpr std::size_t kFileBytesMin = 52;
constexpr std::size_t kGroupBytesMin = 64;
constexpr std::size_t kPortBytesMin = 6;
constexpr std::size_t kKeptBytesMin = 44;

void put(ByteWriter* writer, const StepGroup& group) {
    writer->put(group.name);
    writer->put(group.needs);
    writer->put(group.takes);
    writer->put(group.count);
    writer->put(group.is_gang);
    writer->put(group.command);
    writer->put(group.environment);
    writer->put(static_cast<std::uint32_t>(group.inputs.size()));
    for (const InputFile& file : group.inputs) {
        writer->put(file.name);
        writer->put(file.content);
        writer->put(file.url);
        writer->put(file.sha256);
        writer->put(file.bytes);
    }
    detail::put(writer, group.ask);
    writer->put(group.seconds_max);
    writer->put(group.retries);
    writer->put(group.is_speculative);
    detail::put(writer, group.setup);
}

void get(ByteReader* reader, StepSetup* setup) {
    reader->get(&setup->image);
    reader->get(&setup->program);
    reader->get(&setup->egress, Egress::kPublic);
    reader->get(&setup->egress_hosts);
    setup->ports.resize(reader->count(kPortBytesMin));
    for (StepPort& port : setup->ports) {
        reader->get(&port.name);
        reader->get(&port.port);
    }
    reader->get(&setup->keeps_files);
    reader->get(&setup->checkpoint_seconds);
    reader->get(&setup->is_service);
}

void get(ByteReader* reader, UnitAsk* ask) {
    reader->get(&ask->gpu_models);
    reader->get(&ask->gpus);
    reader->get(&ask->gpu_milli);
    reader->get(&ask->vram_mib);
    reader->get(&ask->cpu_milli);
    reader->get(&ask->memory_mib);
    reader->get(&ask->disk_mib);
    reader->get(&ask->interconnect, Interconnect::kFabric);
}

void get(ByteReader* reader, StepGroup* group) {
    reader->get(&group->name);
    reader->get(&group->needs);
    reader->get(&group->takes);
    reader->get(&group->count);
    reader->get(&group->is_gang);
    reader->get(&group->command);
    reader->get(&group->environment);
    group->inputs.resize(reader->count(kFileBytesMin));
    for (InputFile& file : group->inputs) {
        reader->get(&file.name);
        reader->get(&file.content);
        reader->get(&file.url);
        reader->get(&file.sha256);
        reader->get(&file.bytes);
    }
    get(reader, &group->ask);
    reader->get(&group->seconds_max);
    reader->get(&group->retries);
    reader->get(&group->is_speculative);
    get(reader, &group->setup);
}

void get(ByteReader* reader, WorkSpec* spec) {
    reader->get(&spec->name);
    spec->groups.resize(reader->count(kGroupBytesMin));
    for (StepGroup& group : spec->groups) get(reader, &group);
    reader->get(&spec->regions);
    reader->get(&spec->customer_region);
    bool has_value = false;
    reader->get(&has_value);
    if (has_value) reader->get(&spec->kind.emplace(), NodeKind::kFlexible);
    reader->get(&has_value);
    if (has_value) reader->get(&spec->hourly_max.emplace());
    reader->get(&spec->reputation_bp_min);
    reader->get(&spec->level_min);
    reader->get(&spec->stake_vcai_min);
    reader->get(&spec->prefer.latency);
    reader->get(&spec->prefer.price);
    reader->get(&spec->prefer.quality);
    reader->get(&spec->prefer.packing);
    reader->get(&spec->service_class, ServiceClass::kCritical);
    reader->get(&spec->spread);
    reader->get(&spec->is_exclusive);
}

void put(ByteWriter* writer, const SignedCap& cap) {
    writer->put(cap.cap.client);
    writer->put(cap.cap.scheduler);
    writer->put(cap.cap.limit);
    writer->put(cap.cap.expiry_unix_seconds);
    writer->put(cap.cap.nonce);
    writer->put(cap.signature);
}

void get(ByteReader* reader, SignedCap* cap) {
    reader->get(&cap->cap.client);
    reader->get(&cap->cap.scheduler);
    reader->get(&cap->cap.limit);
    reader->get(&cap->cap.expiry_unix_seconds);
    reader->get(&cap->cap.nonce);
    reader->get(&cap->signature);
}

}  // namespace

void put(ByteWriter* writer, const UnitAsk& ask) {
    writer->put(ask.gpu_models);
    writer->put(ask.gpus);
    writer->put(ask.gpu_milli);
    writer->put(ask.vram_mib);
    writer->put(ask.cpu_milli);
    writer->put(ask.memory_mib);
    writer->put(ask.disk_mib);
    writer->put(ask.interconnect);
}

void put(ByteWriter* writer, const StepSetup& setup) {
    writer->put(setup.image);
    writer->put(setup.program);
    writer->put(setup.egress);
    writer->put(setup.egress_hosts);
    writer->put(static_cast<std::uint32_t>(setup.ports.size()));
    for (const StepPort& port : setup.ports) {
        writer->put(port.name);
        writer->put(port.port);
    }
    writer->put(setup.keeps_files);
    writer->put(setup.checkpoint_seconds);
    writer->put(setup.is_service);
}

void put(ByteWriter* writer, const std::vector<StepFile>& files) {
    writer->put(static_cast<std::uint32_t>(files.size()));
    for (const StepFile& file : files) {
        writer->put(file.name);
        writer->put(file.sha256);
        writer->put(file.bytes);
    }
}

void get(ByteReader* reader, std::vector<StepFile>* files) {
    files->resize(reader->count(kKeptBytesMin));
    for (StepFile& file : *files) {
        reader->get(&file.name);
        reader->get(&file.sha256);
        reader->get(&file.bytes);
    }
}

void put(ByteWriter* writer, const WorkSpec& spec) {
    writer->put(spec.name);
    writer->put(static_cast<std::uint32_t>(spec.groups.size()));
    for (const StepGroup& group : spec.groups) put(writer, group);
    writer->put(spec.regions);
    writer->put(spec.customer_region);
    writer->put(spec.kind.has_value());
    if (spec.kind) writer->put(*spec.kind);
    writer->put(spec.hourly_max.has_value());
    if (spec.hourly_max) writer->put(*spec.hourly_max);
    writer->put(spec.reputation_bp_min);
    writer->put(spec.level_min);
    writer->put(spec.stake_vcai_min);
    writer->put(spec.prefer.latency);
    writer->put(spec.prefer.price);
    writer->put(spec.prefer.quality);
    writer->put(spec.prefer.packing);
    writer->put(spec.service_class);
    writer->put(spec.spread);
    writer->put(spec.is_exclusive);
}

void put(ByteWriter* writer, const WorkOrder& order) {
    writer->put(order.job_id);
    writer->put(order.client);
    put(writer, order.cap);
    put(writer, order.spec);
    writer->put(order.budget);
    writer->put(order.quote_id);
    writer->put(order.deadline);
    writer->put(order.trace_id);
    writer->put(order.files_url);
}

void get(ByteReader* reader, WorkOrder* order) {
    reader->get(&order->job_id);
    reader->get(&order->client);
    get(reader, &order->cap);
    get(reader, &order->spec);
    reader->get(&order->budget);
    reader->get(&order->quote_id);
    reader->get(&order->deadline);
    reader->get(&order->trace_id);
    reader->get(&order->files_url);
}

}  // namespace vcity::work::detail
