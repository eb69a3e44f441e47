// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <concepts>

#include "base/check.hpp"
#include "placement/unit_index.hpp"

namespace vcity::placement {
namespace {

// "VCUI", then the version. Integers are little-endian; names have two bytes of length before them.
constexpr std::string_view kMagic = "VCUI\x01";
constexpr std::size_t kNameBytesMax = 64;

class Writer {
  public:
    template <std::unsigned_integral T>
    void put(T value) {
        for (std::size_t byte = 0; byte < sizeof value; ++byte) {
            bytes_.push_back(static_cast<std::uint8_t>(std::uint64_t{value} >> (8 * byte)));
        }
    }
    void put(ByteView bytes) { append(&bytes_, bytes); }
    void put_name(std::string_view name) {
        put(static_cast<std::uint16_t>(name.size()));
        put(as_bytes(name));
    }
    Bytes take() { return std::move(bytes_); }

  private:
    Bytes bytes_;
};

struct StoredUnit {
    UnitHandle handle;
    ExecutionUnit unit;
    Grant taken;  // CPU, memory and disk
    std::array<std::uint16_t, kGpusMax> left_milli{};
};

}  // namespace

// Errors stick: after the first, every value is zero and is_sound() false.
class SnapshotReader {
  public:
    explicit SnapshotReader(ByteView bytes) : bytes_{bytes} {}

    template <std::unsigned_integral T>
    T get() {
        std::uint64_t value = 0;
        const ByteView raw = take(sizeof(T));
        for (std::size_t byte = 0; byte < raw.size(); ++byte) value |= std::uint64_t{raw[byte]} << (8 * byte);
        return static_cast<T>(value);
    }
    ByteView take(std::size_t size) {
        if (size > bytes_.size()) {
            is_sound_ = false;
            bytes_ = {};
            return {};
        }
        const ByteView taken = bytes_.first(size);
        bytes_ = bytes_.subspan(size);
        return taken;
    }
    std::string name() {
        const auto size = get<std::uint16_t>();
        is_sound_ = is_sound_ && size <= kNameBytesMax;
        return std::string{as_text(take(is_sound_ ? size : 0))};
    }
    bool is_sound() const { return is_sound_; }
    bool is_done() const { return is_sound_ && bytes_.empty(); }
    std::size_t left() const { return bytes_.size(); }

  private:
    ByteView bytes_;
    bool is_sound_ = true;
};

namespace {

Error corrupt(std::string_view what) {
    return make_error(Errc::kCorrupt, "snapshot of units: " + std::string{what});
}

Result<Catalogue> read_catalogue(SnapshotReader* reader) {
    std::vector<GpuModel> models;
    const auto model_count = reader->get<std::uint16_t>();
    for (std::size_t index = 0; index < model_count && reader->is_sound(); ++index) {
        std::string name = reader->name();
        models.push_back({std::move(name), reader->get<std::uint32_t>()});
    }
    std::vector<std::string> regions;
    const auto region_count = reader->get<std::uint16_t>();
    if (region_count > kRegionsMax) return corrupt("too many regions");
    for (std::size_t index = 0; index < region_count && reader->is_sound(); ++index) regions.push_back(reader->name());
    std::vector<std::uint32_t> latencies;
    for (std::size_t pair = 0; pair < std::size_t{region_count} * region_count && reader->is_sound(); ++pair) {
        latencies.push_back(reader->get<std::uint32_t>());
    }
    if (!reader->is_sound()) return corrupt("cut off in the catalogue");
    Result<Catalogue> catalogue = Catalogue::make(std::move(models), std::move(regions), std::move(latencies));
    if (!catalogue) return corrupt(catalogue.error().message);
    return catalogue;
}

bool get_flag(SnapshotReader* reader, bool* value) {
    const auto raw = reader->get<std::uint8_t>();
    *value = raw == 1;
    return raw <= 1;
}

// Everything but how the unit stands to the others is checked here.
Result<StoredUnit> read_unit(SnapshotReader* reader, const Catalogue& catalogue) {
    StoredUnit stored;
    auto& [id, capacity, terms] = stored.unit;
    id.node = Address::make(reader->take(Address::kSize));
    id.unit = reader->get<std::uint32_t>();
    stored.handle.slot = reader->get<std::uint32_t>();
    stored.handle.generation = reader->get<std::uint32_t>();
    capacity.model = reader->get<std::uint8_t>();
    capacity.region = reader->get<std::uint8_t>();
    capacity.gpus = reader->get<std::uint8_t>();
    capacity.cpu_milli = reader->get<std::uint32_t>();
    capacity.memory_mib = reader->get<std::uint32_t>();
    capacity.disk_mib = reader->get<std::uint32_t>();
    terms.price_micro = reader->get<std::uint32_t>();
    terms.stake_vcai = reader->get<std::uint32_t>();
    terms.priority = reader->get<std::uint32_t>();
    terms.reputation_bp = reader->get<std::uint16_t>();
    terms.level = reader->get<std::uint8_t>();
    terms.kind = static_cast<UnitKind>(reader->get<std::uint8_t>());
    terms.interconnect = static_cast<Interconnect>(reader->get<std::uint8_t>());
    const bool is_flag = get_flag(reader, &terms.is_open);
    stored.taken.cpu_milli = reader->get<std::uint32_t>();
    stored.taken.memory_mib = reader->get<std::uint32_t>();
    stored.taken.disk_mib = reader->get<std::uint32_t>();
    const Result<void> checked = check(catalogue, stored.unit);
    if (!checked) return corrupt(checked.error().message);
    bool is_within = stored.taken.cpu_milli <= capacity.cpu_milli && stored.taken.memory_mib <= capacity.memory_mib &&
                     stored.taken.disk_mib <= capacity.disk_mib;
    for (std::size_t gpu = 0; gpu < capacity.gpus; ++gpu) {
        stored.left_milli[gpu] = reader->get<std::uint16_t>();
        is_within = is_within && stored.left_milli[gpu] <= kWholeGpuMilli;
    }
    if (!reader->is_sound()) return corrupt("cut off in a unit");
    if (!is_flag || !is_within) return corrupt("a unit holds what cannot be");
    return stored;
}

constexpr std::size_t kUnitBytesMin = Address::kSize + 57;

}  // namespace

Bytes UnitIndex::snapshot() const {
    Writer writer;
    writer.put(as_bytes(kMagic));
    writer.put(static_cast<std::uint16_t>(catalogue_.models().size()));
    for (const GpuModel& model : catalogue_.models()) {
        writer.put_name(model.name);
        writer.put(model.vram_mib);
    }
    writer.put(static_cast<std::uint16_t>(catalogue_.regions().size()));
    for (const std::string& region : catalogue_.regions()) writer.put_name(region);
    for (const std::uint32_t latency : catalogue_.latencies_us()) writer.put(latency);
    writer.put(next_generation_);
    writer.put(static_cast<std::uint32_t>(size_));
    std::vector<UnitHandle> handles;
    for_each([&](UnitHandle handle, const UnitRecord&) { handles.push_back(handle); });
    std::ranges::sort(handles, {}, [&](UnitHandle handle) { return id_of(handle); });
    for (const UnitHandle handle : handles) {
        const auto [id, capacity, terms] = unit(handle);
        const UnitRecord& record = records_[handle.slot];
        writer.put(id.node.view());
        writer.put(id.unit);
        writer.put(handle.slot);
        writer.put(handle.generation);
        for (const std::uint8_t value : {capacity.model, capacity.region, capacity.gpus}) writer.put(value);
        for (const std::uint32_t value : {capacity.cpu_milli, capacity.memory_mib, capacity.disk_mib, terms.price_micro,
                                          terms.stake_vcai, terms.priority}) {
            writer.put(value);
        }
        writer.put(terms.reputation_bp);
        writer.put(terms.level);
        writer.put(static_cast<std::uint8_t>(terms.kind));
        writer.put(static_cast<std::uint8_t>(terms.interconnect));
        writer.put(static_cast<std::uint8_t>(terms.is_open ? 1 : 0));
        writer.put(capacity.cpu_milli - record.cpu_left_milli);
        writer.put(capacity.memory_mib - record.memory_left_mib);
        writer.put(capacity.disk_mib - record.disk_left_mib);
        for (std::size_t gpu = 0; gpu < capacity.gpus; ++gpu) writer.put(record.left_milli[gpu]);
    }
    return writer.take();
}

Result<UnitIndex> UnitIndex::restore(ByteView bytes, const PackingPolicy* policy, UnitIndexOptions options) {
    SnapshotReader reader{bytes};
    if (as_text(reader.take(kMagic.size())) != kMagic) return corrupt("no snapshot, or of another version");
    TRY(Catalogue catalogue, read_catalogue(&reader));
    UnitIndex index{std::move(catalogue), policy, options};
    TRY_OK(index.restore_units(&reader));
    if (!reader.is_done()) return corrupt("bytes after the end");
    return index;
}

Result<void> UnitIndex::restore_units(SnapshotReader* reader) {
    next_generation_ = reader->get<std::uint32_t>();
    const auto count = reader->get<std::uint32_t>();
    if (next_generation_ == 0 || count > options_.units_max || count > reader->left() / kUnitBytesMin) {
        return corrupt("more units than there can be");
    }
    reserve(count);
    UnitId previous;
    for (std::size_t done = 0; done < count; ++done) {
        TRY(const StoredUnit stored, read_unit(reader, catalogue_));
        const UnitHandle handle = stored.handle;
        if (handle.slot >= options_.units_max || handle.generation == 0 || handle.generation >= next_generation_) {
            return corrupt("a handle out of range");
        }
        if (done > 0 && stored.unit.id <= previous) return corrupt("units out of order");
        previous = stored.unit.id;
        if (handle.slot >= records_.size()) {
            records_.resize(handle.slot + std::size_t{1});
            totals_.resize(records_.size());
        }
        if (records_[handle.slot].generation != 0) return corrupt("two units in one slot");
        seat(handle, stored.unit);
        UnitRecord& record = records_[handle.slot];
        record.left_milli = stored.left_milli;
        record.cpu_left_milli -= stored.taken.cpu_milli;
        record.memory_left_mib -= stored.taken.memory_mib;
        record.disk_left_mib -= stored.taken.disk_mib;
        enter(handle.slot);
    }
    for (std::size_t slot = records_.size(); slot-- > 0;) {
        if (records_[slot].generation == 0) free_slots_.push_back(static_cast<std::uint32_t>(slot));
    }
    return {};
}

}  // namespace vcity::placement
