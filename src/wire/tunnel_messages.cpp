// SPDX-License-Identifier: Apache-2.0
#include <vcity/v1/tunnel.pb.h>

#include "wire/records_convert.hpp"
#include "wire/tunnel_convert.hpp"

namespace vcity::wire {
namespace {

constexpr std::size_t kGroupBytesMax = 32;
constexpr std::size_t kReasonBytesMax = 1024;

void write_target(const TunnelTarget& value, v1::TunnelTarget* out) {
    out->set_kind(static_cast<v1::TunnelKind>(static_cast<int>(value.kind) + 1));
    out->set_port(value.port);
    for (const std::string& argument : value.command) out->add_command(clean(argument));
    out->set_has_terminal(value.has_terminal);
    out->set_columns(value.columns);
    out->set_rows(value.rows);
}

TunnelTarget read_target(Reader& in, bool is_present, const v1::TunnelTarget& proto) {
    if (!is_present) in.fail("target", "is missing");
    return {
        .kind = in.enumeration(proto.kind(), TunnelKind::kSsh, "kind"),
        .port = in.narrow(proto.port(), "port"),
        .command = in.text_list(proto.command(), kTunnelArgumentsMax, "command", kTunnelArgumentBytesMax),
        .has_terminal = proto.has_terminal(),
        .columns = in.narrow(proto.columns(), "columns"),
        .rows = in.narrow(proto.rows(), "rows"),
    };
}

}  // namespace

void write_body(const TunnelOpen& value, v1::TunnelOpen* out) {
    out->set_tunnel(raw(value.tunnel));
    out->set_job_id(raw(value.job_id));
    out->set_client(raw(value.client));
    out->set_group(clean(value.group));
    out->set_index(value.index);
    write_target(value.target, out->mutable_target());
    out->set_url(clean(value.url));
}

TunnelOpen read_body(Reader& in, const v1::TunnelOpen& proto) {
    return {
        .tunnel = in.fixed<TunnelId>(proto.tunnel(), "tunnel"),
        .job_id = in.fixed<JobId>(proto.job_id(), "job_id"),
        .client = in.fixed<Address>(proto.client(), "client"),
        .group = in.text(proto.group(), "group", kGroupBytesMax),
        .index = proto.index(),
        .target = read_target(in, proto.has_target(), proto.target()),
        .url = in.text(proto.url(), "url", kTunnelUrlBytesMax),
    };
}

void write_body(const TunnelRequest& value, v1::TunnelRequest* out) {
    out->set_tunnel(raw(value.tunnel));
    out->set_step_id(raw(value.step_id));
    out->set_fencing_token(value.fencing_token);
    write_target(value.target, out->mutable_target());
    out->set_url(clean(value.url));
}

TunnelRequest read_body(Reader& in, const v1::TunnelRequest& proto) {
    return {
        .tunnel = in.fixed<TunnelId>(proto.tunnel(), "tunnel"),
        .step_id = in.fixed<JobId>(proto.step_id(), "step_id"),
        .fencing_token = proto.fencing_token(),
        .target = read_target(in, proto.has_target(), proto.target()),
        .url = in.text(proto.url(), "url", kTunnelUrlBytesMax),
    };
}

void write_body(const TunnelRefused& value, v1::TunnelRefused* out) {
    out->set_tunnel(raw(value.tunnel));
    out->set_code(static_cast<v1::ErrorCode>(static_cast<int>(value.code) + 1));
    out->set_reason(clean(value.reason.substr(0, kReasonBytesMax)));
}

TunnelRefused read_body(Reader& in, const v1::TunnelRefused& proto) {
    return {
        .tunnel = in.fixed<TunnelId>(proto.tunnel(), "tunnel"),
        .code = in.enumeration(proto.code(), Errc::kInternal, "code"),
        .reason = in.text(proto.reason(), "reason", kReasonBytesMax),
    };
}

void write_body(const StepAway& value, v1::StepAway* out) {
    out->set_step_id(raw(value.step_id));
    out->set_fencing_token(value.fencing_token);
    out->set_away_ms(value.away_ms);
}

StepAway read_body(Reader& in, const v1::StepAway& proto) {
    return {
        .step_id = in.fixed<JobId>(proto.step_id(), "step_id"),
        .fencing_token = proto.fencing_token(),
        .away_ms = proto.away_ms(),
    };
}

}  // namespace vcity::wire
