// SPDX-License-Identifier: Apache-2.0
#include <vcity/v1/work.pb.h>

#include "wire/work_convert.hpp"
#include "wire/write_list.hpp"

namespace vcity::wire {
namespace {

constexpr std::size_t kGpuModelsMax = 16;
constexpr std::size_t kGroupsMax = 64;
constexpr std::size_t kArgumentsMax = 256;
constexpr std::size_t kFilesMax = 64;
constexpr std::size_t kFileBytesMax = 256U << 10U;
constexpr std::size_t kArgumentBytesMax = 64U << 10U;
constexpr std::size_t kGroupNameMax = 32;
constexpr std::size_t kFileNameMax = 320;  // four parts, and the group and index that they come from
constexpr std::size_t kUrlBytesMax = 2048;
constexpr std::size_t kImageBytesMax = 512;
constexpr std::size_t kHostsMax = 32;
constexpr std::size_t kHostBytesMax = 253;
constexpr std::size_t kPortsMax = 16;
constexpr std::size_t kJobNameMax = 128;

template <class Proto>
void write_texts(const std::vector<std::string>& values, Proto* out) {
    for (const std::string& value : values) *out->Add() = clean(value);
}

template <class Range>
std::vector<std::string> read_arguments(Reader& in, const Range& range, const char* name) {
    return in.text_list(range, kArgumentsMax, name, kArgumentBytesMax);
}

}  // namespace

void write(const UnitAsk& value, v1::UnitAsk* out) {
    write_texts(value.gpu_models, out->mutable_gpu_models());
    out->set_gpus(value.gpus);
    out->set_gpu_milli(value.gpu_milli);
    out->set_vram_mib(value.vram_mib);
    out->set_cpu_milli(value.cpu_milli);
    out->set_memory_mib(value.memory_mib);
    out->set_disk_mib(value.disk_mib);
    out->set_interconnect(static_cast<v1::Interconnect>(static_cast<int>(value.interconnect) + 1));
}

UnitAsk read(Reader& in, const v1::UnitAsk& proto) {
    return {
        .gpu_models = in.text_list(proto.gpu_models(), kGpuModelsMax, "gpu_models", kLabelBytesMax),
        .gpus = proto.gpus(),
        .gpu_milli = proto.gpu_milli(),
        .vram_mib = proto.vram_mib(),
        .cpu_milli = proto.cpu_milli(),
        .memory_mib = proto.memory_mib(),
        .disk_mib = proto.disk_mib(),
        .interconnect = in.enumeration(proto.interconnect(), Interconnect::kFabric, "interconnect"),
    };
}

void write(const InputFile& value, v1::InputFile* out) {
    out->set_name(clean(value.name));
    out->set_content(raw(value.content));
    out->set_url(clean(value.url));
    if (!value.sha256.is_zero()) out->set_sha256(raw(value.sha256));
    out->set_bytes(value.bytes);
}

InputFile read(Reader& in, const v1::InputFile& proto) {
    return {
        .name = in.text(proto.name(), "name", kFileNameMax),
        .content = in.data(proto.content(), "content", kFileBytesMax),
        .url = in.text(proto.url(), "url", kUrlBytesMax),
        .sha256 = proto.sha256().empty() ? Hash{} : in.fixed<Hash>(proto.sha256(), "sha256"),
        .bytes = proto.bytes(),
    };
}

void write(const StepFile& value, v1::StepFile* out) {
    out->set_name(clean(value.name));
    out->set_sha256(raw(value.sha256));
    out->set_bytes(value.bytes);
}

StepFile read(Reader& in, const v1::StepFile& proto) {
    return {
        .name = in.text(proto.name(), "name", kFileNameMax),
        .sha256 = in.fixed<Hash>(proto.sha256(), "sha256"),
        .bytes = proto.bytes(),
    };
}

void write(const StepPort& value, v1::StepPort* out) {
    out->set_name(clean(value.name));
    out->set_port(value.port);
}

StepPort read(Reader& in, const v1::StepPort& proto) {
    return {.name = in.text(proto.name(), "name", kGroupNameMax), .port = in.narrow(proto.port(), "port")};
}

void write(const StepSetup& value, v1::StepSetup* out) {
    out->set_image(clean(value.image));
    out->set_program(clean(value.program));
    out->set_egress(static_cast<v1::Egress>(static_cast<int>(value.egress) + 1));
    write_texts(value.egress_hosts, out->mutable_egress_hosts());
    write_list(value.ports, out->mutable_ports());
    out->set_keeps_files(value.keeps_files);
    out->set_checkpoint_seconds(value.checkpoint_seconds);
    out->set_is_service(value.is_service);
}

StepSetup read(Reader& in, const v1::StepSetup& proto) {
    return {
        .image = in.text(proto.image(), "image", kImageBytesMax),
        .program = in.text(proto.program(), "program", kGroupNameMax),
        .egress = in.enumeration(proto.egress(), Egress::kPublic, "egress"),
        .egress_hosts = in.text_list(proto.egress_hosts(), kHostsMax, "egress_hosts", kHostBytesMax),
        .ports = in.list(proto.ports(), kPortsMax, "ports"),
        .keeps_files = proto.keeps_files(),
        .checkpoint_seconds = proto.checkpoint_seconds(),
        .is_service = proto.is_service(),
    };
}

void write(const StepGroup& value, v1::StepGroup* out) {
    out->set_name(clean(value.name));
    write_texts(value.needs, out->mutable_needs());
    out->set_count(value.count);
    out->set_is_gang(value.is_gang);
    write_texts(value.command, out->mutable_command());
    write_texts(value.environment, out->mutable_environment());
    write_list(value.inputs, out->mutable_inputs());
    write(value.ask, out->mutable_ask());
    out->set_seconds_max(value.seconds_max);
    out->set_retries(value.retries);
    out->set_is_speculative(value.is_speculative);
    write_texts(value.takes, out->mutable_takes());
    write(value.setup, out->mutable_setup());
}

StepGroup read(Reader& in, const v1::StepGroup& proto) {
    return {
        .name = in.text(proto.name(), "name", kGroupNameMax),
        .needs = in.text_list(proto.needs(), kGroupsMax, "needs", kGroupNameMax),
        .takes = in.text_list(proto.takes(), kGroupsMax, "takes", kGroupNameMax),
        .count = proto.count(),
        .is_gang = proto.is_gang(),
        .command = read_arguments(in, proto.command(), "command"),
        .environment = read_arguments(in, proto.environment(), "environment"),
        .inputs = in.list(proto.inputs(), kFilesMax, "inputs"),
        .ask = in.message(proto.has_ask(), proto.ask(), "ask"),
        .seconds_max = proto.seconds_max(),
        .retries = proto.retries(),
        .is_speculative = proto.is_speculative(),
        .setup = in.message(proto.has_setup(), proto.setup(), "setup"),
    };
}

Preferences read(Reader& /*in*/, const v1::Preferences& proto) {
    return {.latency = proto.latency(), .price = proto.price(), .quality = proto.quality(), .packing = proto.packing()};
}

void write(const WorkSpec& value, v1::WorkSpec* out) {
    out->set_name(clean(value.name));
    write_list(value.groups, out->mutable_groups());
    write_texts(value.regions, out->mutable_regions());
    out->set_customer_region(clean(value.customer_region));
    if (value.kind) out->set_kind(static_cast<v1::NodeKind>(static_cast<int>(*value.kind) + 1));
    if (value.hourly_max) out->set_hourly_max(value.hourly_max->micro);
    out->set_reputation_bp_min(value.reputation_bp_min);
    out->set_level_min(value.level_min);
    out->set_stake_vcai_min(value.stake_vcai_min);
    v1::Preferences* prefer = out->mutable_prefer();
    prefer->set_latency(value.prefer.latency);
    prefer->set_price(value.prefer.price);
    prefer->set_quality(value.prefer.quality);
    prefer->set_packing(value.prefer.packing);
    out->set_service_class(static_cast<v1::ServiceClass>(static_cast<int>(value.service_class) + 1));
    out->set_spread(clean(value.spread));
    out->set_is_exclusive(value.is_exclusive);
}

WorkSpec read(Reader& in, const v1::WorkSpec& proto) {
    WorkSpec value;
    value.name = in.text(proto.name(), "name", kJobNameMax);
    value.groups = in.list(proto.groups(), kGroupsMax, "groups");
    value.regions = in.text_list(proto.regions(), kGroupsMax, "regions", kLabelBytesMax);
    value.customer_region = in.text(proto.customer_region(), "customer_region", kLabelBytesMax);
    if (proto.kind() != 0) value.kind = in.enumeration(proto.kind(), NodeKind::kFlexible, "kind");
    if (proto.has_hourly_max()) value.hourly_max = Usd{proto.hourly_max()};
    value.reputation_bp_min = proto.reputation_bp_min();
    value.level_min = proto.level_min();
    value.stake_vcai_min = proto.stake_vcai_min();
    value.prefer = in.message(proto.has_prefer(), proto.prefer(), "prefer");
    value.service_class = in.enumeration(proto.service_class(), ServiceClass::kCritical, "service_class");
    constexpr std::size_t kSpreadBytesMax = 64;
    value.spread = in.text(proto.spread(), "spread", kSpreadBytesMax);
    value.is_exclusive = proto.is_exclusive();
    return value;
}

void write(const WorkOrder& value, v1::WorkOrder* out) {
    out->set_job_id(raw(value.job_id));
    out->set_client(raw(value.client));
    write(value.cap, out->mutable_cap());
    write(value.spec, out->mutable_spec());
    out->set_budget(value.budget.micro);
    out->set_quote_id(value.quote_id);
    out->set_deadline(value.deadline.count());
    out->set_trace_id(clean(value.trace_id));
    out->set_files_url(clean(value.files_url));
}

WorkOrder read(Reader& in, const v1::WorkOrder& proto) {
    return {
        .job_id = in.fixed<JobId>(proto.job_id(), "job_id"),
        .client = in.fixed<Address>(proto.client(), "client"),
        .cap = in.message(proto.has_cap(), proto.cap(), "cap"),
        .spec = in.message(proto.has_spec(), proto.spec(), "spec"),
        .budget = Usd{proto.budget()},
        .quote_id = proto.quote_id(),
        .deadline = UnixMillis{proto.deadline()},
        .trace_id = in.text(proto.trace_id(), "trace_id", kJobNameMax),
        .files_url = in.text(proto.files_url(), "files_url", kUrlBytesMax),
    };
}

void write(const StepWork& value, v1::StepWork* out) {
    write_texts(value.command, out->mutable_command());
    write_texts(value.environment, out->mutable_environment());
    write_list(value.inputs, out->mutable_inputs());
    write(value.ask, out->mutable_ask());
    out->set_seconds_max(value.seconds_max);
    write(value.setup, out->mutable_setup());
    out->set_files_url(clean(value.files_url));
}

StepWork read(Reader& in, const v1::StepWork& proto) {
    return {
        .command = read_arguments(in, proto.command(), "command"),
        .environment = read_arguments(in, proto.environment(), "environment"),
        .inputs = in.list(proto.inputs(), kStepInputsMax, "inputs"),
        .ask = in.message(proto.has_ask(), proto.ask(), "ask"),
        .seconds_max = proto.seconds_max(),
        .setup = in.message(proto.has_setup(), proto.setup(), "setup"),
        .files_url = in.text(proto.files_url(), "files_url", kUrlBytesMax),
    };
}

void write(const StepStatus& value, v1::StepStatus* out) {
    out->set_step_id(raw(value.step_id));
    out->set_group(clean(value.group));
    out->set_index(value.index);
    out->set_state(static_cast<v1::StepState>(static_cast<int>(value.state) + 1));
    out->set_attempt(value.attempt);
    out->set_node(raw(value.node));
    out->set_unit(value.unit);
    out->set_hourly(value.hourly.micro);
    out->set_charged(value.charged.micro);
    out->set_started_at(value.started_at.count());
    out->set_ended_at(value.ended_at.count());
    out->set_exit_code(value.exit_code);
    out->set_reason(clean(value.reason));
    write_list(value.files, out->mutable_files());
}

StepStatus read(Reader& in, const v1::StepStatus& proto) {
    return {
        .step_id = in.fixed<JobId>(proto.step_id(), "step_id"),
        .group = in.text(proto.group(), "group", kGroupNameMax),
        .index = proto.index(),
        .state = in.enumeration(proto.state(), StepState::kCancelled, "state"),
        .attempt = proto.attempt(),
        .node = in.fixed<Address>(proto.node(), "node"),
        .unit = proto.unit(),
        .hourly = Usd{proto.hourly()},
        .charged = Usd{proto.charged()},
        .started_at = UnixMillis{proto.started_at()},
        .ended_at = UnixMillis{proto.ended_at()},
        .exit_code = proto.exit_code(),
        .reason = in.text(proto.reason(), "reason"),
        .files = in.list(proto.files(), kStepFilesMax, "files"),
    };
}

void write(const WorkEventLine& value, v1::WorkEventLine* out) {
    out->set_at(value.at.count());
    out->set_text(clean(value.text));
}

WorkEventLine read(Reader& in, const v1::WorkEventLine& proto) {
    return {.at = UnixMillis{proto.at()}, .text = in.text(proto.text(), "text")};
}

}  // namespace vcity::wire
