// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/platform/price_board.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/amount.hpp"
#include "codec/hex.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kPrefix = "gateway/prices/";
constexpr std::size_t kScanPage = 64;
constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kNumbers = 6;

std::string store_key(const std::string& name) {
    return std::string{kPrefix} + codec::to_hex(as_bytes(name)).substr(2);
}

// Whether a point of that span is due; the newest stands at the back.
bool is_due(const std::deque<PricePoint>& points, std::uint64_t now, std::uint64_t span) {
    return points.empty() || now / span > points.back().time / span;
}

void push(std::deque<PricePoint>* points, const PricePoint& point, std::size_t max) {
    points->push_back(point);
    while (points->size() > max) points->pop_front();
}

codec::Json stored(const std::deque<PricePoint>& points) {
    codec::JsonArray list;
    for (const PricePoint& point : points) {
        list.emplace_back(
            codec::JsonArray{point.time, point.lowest, point.median, point.highest, point.units, point.rentable});
    }
    return list;
}

std::deque<PricePoint> parse_points(const codec::Json* list) {
    std::deque<PricePoint> points;
    if (list == nullptr || list->get_array() == nullptr) return points;
    for (const codec::Json& item : *list->get_array()) {
        const codec::JsonArray* parts = item.get_array();
        std::array<std::uint64_t, kNumbers> numbers{};
        if (parts == nullptr || parts->size() != kNumbers) continue;
        bool is_whole = true;
        for (std::size_t at = 0; at < kNumbers; ++at) is_whole = is_whole && (*parts)[at].get_u64(&numbers[at]);
        if (is_whole) points.push_back({numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]});
    }
    return points;
}

codec::Json shown(const PricePoint& point) {
    return codec::JsonArray{point.time,
                            to_string(Usd{point.lowest}),
                            to_string(Usd{point.median}),
                            to_string(Usd{point.highest}),
                            point.units,
                            point.rentable};
}

}  // namespace

std::map<std::string, PricePoint> price_points(const UnitsReply& units, std::uint64_t now_unix_seconds) {
    std::map<std::string, std::vector<std::uint64_t>> prices;
    std::map<std::string, PricePoint> points;
    for (const UnitsReply::Entry& entry : units.entries) {
        const bool has_gpus = entry.offer.gpus > 0;
        const std::string name = has_gpus ? entry.offer.gpu_model.substr(0, kNameBytesMax) : "cpu";
        prices[name].push_back(entry.offer.hourly.micro);
        PricePoint& point = points[name];
        point.time = now_unix_seconds;
        point.units += 1;
        point.rentable += (has_gpus ? entry.gpus_free > 0 : entry.cpu_milli_free > 0) ? 1 : 0;
    }
    for (auto& [name, list] : prices) {
        std::ranges::sort(list);
        points[name].lowest = list.front();
        points[name].median = list[list.size() / 2];
        points[name].highest = list.back();
    }
    return points;
}

Task<Result<void>> PriceBoard::load(ports::Store* store) {
    const std::string prefix{kPrefix};
    std::string after;
    while (true) {
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await store->scan(prefix, after, kScanPage));
        for (const ports::StoreEntry& entry : page) {
            const Result<Bytes> name = codec::parse_hex("0x" + entry.key.substr(prefix.size()), kNameBytesMax);
            const Result<codec::Json> json = codec::parse_json(as_text(entry.value));
            if (!name || !json || histories_.size() >= kClassesMax) continue;
            History& history = histories_[std::string{as_text(*name)}];
            history.fine = parse_points(json->find("fine"));
            history.coarse = parse_points(json->find("coarse"));
        }
        if (page.size() < kScanPage) co_return Result<void>{};
        after = page.back().key;
    }
}

void PriceBoard::write(const std::string& name) const {
    const History& history = histories_.at(name);
    const codec::Json json = codec::JsonObject{{"fine", stored(history.fine)}, {"coarse", stored(history.coarse)}};
    writes_->put(store_key(name), codec::dump_json(json));
}

void PriceBoard::note(const UnitsReply& units, std::uint64_t now_unix_seconds) {
    for (const auto& [name, point] : price_points(units, now_unix_seconds)) {
        if (!histories_.contains(name) && histories_.size() >= kClassesMax) continue;
        History& history = histories_[name];
        const bool is_fine = is_due(history.fine, now_unix_seconds, kFineSeconds);
        if (is_due(history.coarse, now_unix_seconds, kCoarseSeconds)) push(&history.coarse, point, kCoarsePoints);
        if (is_fine) push(&history.fine, point, kFinePoints);
        if (is_fine) write(name);
    }
}

codec::Json PriceBoard::to_json(const std::string& name, bool is_fine) const {
    codec::JsonArray data;
    for (const auto& [known, history] : histories_) {
        if (!name.empty() && known != name) continue;
        codec::JsonArray points;
        for (const PricePoint& point : is_fine ? history.fine : history.coarse) points.push_back(shown(point));
        data.emplace_back(codec::JsonObject{{"class", known}, {"points", std::move(points)}});
    }
    return codec::JsonObject{{"object", "list"},
                             {"interval_seconds", is_fine ? kFineSeconds : kCoarseSeconds},
                             {"columns", codec::JsonArray{"time", "lowest", "median", "highest", "units", "rentable"}},
                             {"data", std::move(data)}};
}

}  // namespace vcity::gateway
