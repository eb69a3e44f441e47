// SPDX-License-Identifier: Apache-2.0
#include <unordered_set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "codec/json.hpp"

namespace vcity::codec {
namespace {

// Objects with fewer members than this are searched for a repeated name; larger ones keep a set.
constexpr std::size_t kSmallObject = 16;

// Receives the events of nlohmann's parser, which itself is not recursive and checks UTF-8 inside strings. Stops at the
// first event beyond a limit.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
  public:
    explicit Builder(const JsonLimits& limits) : limits_{limits} {}

    bool null() override { return add(Json{}); }
    bool boolean(bool value) override { return add(Json{value}); }
    bool number_integer(std::int64_t value) override { return add(Json{value}); }
    bool number_unsigned(std::uint64_t value) override { return add(Json{value}); }
    bool number_float(double value, const std::string& /*text*/) override { return add(Json{value}); }
    bool string(std::string& value) override { return add(Json{std::move(value)}); }
    bool binary(nlohmann::json::binary_t& /*value*/) override { unreachable(); }

    bool start_object(std::size_t /*elements*/) override { return open(true); }
    bool end_object() override { return close(); }
    bool start_array(std::size_t /*elements*/) override { return open(false); }
    bool end_array() override { return close(); }
    bool key(std::string& name) override;

    bool parse_error(std::size_t position,
                     const std::string& /*token*/,
                     const nlohmann::detail::exception& /*error*/) override {
        return fail(fmt::format("not JSON at byte {}", position));
    }

    Result<Json> take() && {
        if (!error_.empty()) return make_error(Errc::kInvalid, std::move(error_));
        return std::move(root_);
    }
    bool has_failed() const { return !error_.empty(); }

  private:
    // A container that is still open. The name is that of the member whose value comes next.
    struct Frame {
        bool is_object = false;
        JsonArray items;
        JsonObject members;
        std::string name;
        std::unordered_set<std::string> names;
    };

    bool fail(std::string message) {
        if (error_.empty()) error_ = std::move(message);
        return false;
    }
    bool add(Json value);
    void place(Json value);
    bool open(bool is_object);
    bool close();
    static bool is_repeated(Frame& frame, const std::string& name);

    const JsonLimits& limits_;
    std::size_t values_ = 0;
    std::vector<Frame> open_;
    Json root_;
    std::string error_;
};

bool Builder::add(Json value) {
    if (++values_ > limits_.values_max) return fail(fmt::format("more than {} JSON values", limits_.values_max));
    place(std::move(value));
    return true;
}

void Builder::place(Json value) {
    if (open_.empty()) {
        root_ = std::move(value);
    } else if (open_.back().is_object) {
        open_.back().members.emplace_back(std::move(open_.back().name), std::move(value));
    } else {
        open_.back().items.push_back(std::move(value));
    }
}

bool Builder::open(bool is_object) {
    if (++values_ > limits_.values_max) return fail(fmt::format("more than {} JSON values", limits_.values_max));
    if (open_.size() >= limits_.depth_max) return fail(fmt::format("JSON nested deeper than {}", limits_.depth_max));
    open_.emplace_back().is_object = is_object;
    return true;
}

bool Builder::close() {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    place(frame.is_object ? Json{std::move(frame.members)} : Json{std::move(frame.items)});
    return true;
}

bool Builder::key(std::string& name) {
    Frame& frame = open_.back();
    if (is_repeated(frame, name)) return fail("repeated name in a JSON object");
    frame.name = std::move(name);
    return true;
}

bool Builder::is_repeated(Frame& frame, const std::string& name) {
    if (frame.members.size() < kSmallObject) {
        return std::ranges::find(frame.members, name, &JsonObject::value_type::first) != frame.members.end();
    }
    if (frame.names.empty()) {
        for (const auto& [earlier, value] : frame.members) frame.names.insert(earlier);
    }
    return !frame.names.insert(name).second;
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
    if (text.size() > limits.bytes_max) {
        return make_error(Errc::kInvalid, fmt::format("JSON text is longer than {} bytes", limits.bytes_max));
    }
    // The parser below takes a NUL for the end of the text and skips a byte order mark; neither is JSON.
    if (text.find('\0') != std::string_view::npos) return make_error(Errc::kInvalid, "JSON text contains a NUL byte");
    if (text.starts_with("\xef\xbb\xbf")) return make_error(Errc::kInvalid, "JSON text starts with a byte order mark");
    Builder builder{limits};
    const bool parsed = nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
    CHECK(parsed != builder.has_failed());
    return std::move(builder).take();
}

}  // namespace vcity::codec
