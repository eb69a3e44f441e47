// SPDX-License-Identifier: Apache-2.0
#include "capacity/testing/adversaries.hpp"

#include <array>
#include <cmath>

#include "base/check.hpp"
#include "capacity/testing/machine.hpp"

namespace vcity::capacity::testing {
namespace {

const CardSpec& h100() {
    return *find_card("NVIDIA H100 80GB HBM3");
}

// ---- Chains that were not computed ----------------------------------------------------------------------------------

// O(n^2): the matrix that has A's row sums and X's column sums as factors.
class RankOne : public PlainDevice {
  protected:
    std::vector<std::int32_t> multiply(std::span<const std::int8_t> columns) override {
        const std::size_t rows = shape_.rows;
        std::vector<double> row_sums(rows);
        for (std::size_t i = 0; i < matrix_.size(); ++i) row_sums[i / rows] += matrix_[i];
        std::vector<std::int32_t> products(columns.size());
        for (std::size_t first = 0; first < columns.size(); first += rows) {
            double sum = 0;
            for (std::size_t k = 0; k < rows; ++k) sum += columns[first + k];
            for (std::size_t i = 0; i < rows; ++i) {
                const double product = row_sums[i] * sum / static_cast<double>(rows);
                products[first + i] = static_cast<std::int32_t>(std::lround(product));
            }
        }
        return products;
    }
};

// The product in a narrower format: rounded to 8 significant bits as bf16 would be.
class Approximate : public PlainDevice {
  protected:
    std::vector<std::int32_t> multiply(std::span<const std::int8_t> columns) override {
        std::vector<std::int32_t> products = PlainDevice::multiply(columns);
        for (std::int32_t& product : products) {
            int exponent = 0;
            const double fraction = std::frexp(product, &exponent);
            product = static_cast<std::int32_t>(std::ldexp(std::nearbyint(fraction * 256) / 256, exponent));
        }
        return products;
    }
};

// A with its lowest bit dropped: what a 4-bit format can hold.
class NarrowMatrix : public PlainDevice {
  protected:
    std::vector<std::int32_t> multiply(std::span<const std::int8_t> columns) override {
        for (std::int8_t& entry : matrix_) entry = static_cast<std::int8_t>(entry - (entry % 2));
        return PlainDevice::multiply(columns);
    }
};

// Computes nine rows of ten, the rest is noise: passes a check of single rows now and then.
class MostRows : public PlainDevice {
  protected:
    std::vector<std::int32_t> multiply(std::span<const std::int8_t> columns) override {
        std::vector<std::int32_t> products = PlainDevice::multiply(columns);
        for (std::size_t i = 0; i < products.size(); ++i) {
            if (i % shape_.rows < shape_.rows * 9 / 10) continue;
            products[i] = static_cast<std::int32_t>((products[i - 1] * 31 + 7) % 200);
        }
        return products;
    }
};

// Runs only some segments; the states between are made up, and their products are forged to fit them.
template <int kRunOf4>
class SkippedLinks : public PlainDevice {
  public:
    Result<std::vector<std::int32_t>> chain_multiply(std::span<const std::int8_t> columns) override {
        return multiply(columns);
    }

  protected:
    std::vector<std::int8_t> next_state(std::uint32_t segment) override {
        if (segment % 4 < kRunOf4) return PlainDevice::next_state(segment);
        std::vector<std::int8_t> state = states_.at(segment);
        std::ranges::reverse(state);
        return state;
    }
};

// States that were never computed, and an opening whose last products end in them.
class FittedProducts : public Card {
  public:
    FittedProducts(const CardSpec& spec, const Hash& key) : Card{spec, key} { use<SkippedLinks<2>>(); }

    Timed<CapacityOpening> open(const CapacityDraw& draw) override {
        // The states after each drawn segment must be read before open() forgets the chain.
        std::vector<std::vector<std::int8_t>> ends;
        for (const CapacityCell& cell : draw.cells) ends.push_back(*device->chain_block(cell.segment + 1, cell.block));
        Timed<CapacityOpening> timed = Card::open(draw);
        for (std::size_t i = 0; i < ends.size(); ++i) {
            std::vector<std::int32_t>& products = timed.answer->cells[i].products;
            const std::size_t first = products.size() - ends[i].size();
            for (std::size_t j = 0; j < ends[i].size(); ++j) {
                // At most 16 more until the product gives the entry that was committed to.
                while (chain_entry(products[first + j]) != ends[i][j]) ++products[first + j];
            }
        }
        return timed;
    }
};

// Every second segment gives the state before it again.
class ReusedLink : public PlainDevice {
  protected:
    std::vector<std::int8_t> next_state(std::uint32_t segment) override {
        return segment % 2 == 0 ? PlainDevice::next_state(segment) : states_.at(segment);
    }
};

// A made-up state after the first segment, chosen so that the second segment starts with equal columns: both segments
// cost next to nothing and only the first is wrong. Then honest. Where nothing kept columns apart, all that follows
// would cost a single column.
class EqualColumns : public PlainDevice {
  protected:
    std::vector<std::int8_t> next_state(std::uint32_t segment) override {
        if (segment > 0) return PlainDevice::next_state(segment);
        // From block to partner, C' = -C_0 - C modulo 17 makes C + C' + C_0 zero, but where a circle closes.
        std::vector<std::int8_t> state(shape_.state_bytes());
        std::vector<bool> made(shape_.blocks());
        for (std::uint32_t start = 0; start < shape_.blocks(); ++start) {
            std::uint32_t block = start;
            while (!made[block]) {
                made[block] = true;
                const std::uint32_t partner = partner_block(shape_, 1, block);
                if (!made[partner]) cancel(block, partner, &state);
                block = partner;
            }
        }
        return state;
    }

  private:
    void cancel(std::uint32_t block, std::uint32_t partner, std::vector<std::int8_t>* state) const {
        const std::size_t size = shape_.block_bytes();
        for (std::size_t i = 0; i < size; ++i) {
            const int wanted = -states_[0][(block * size) + i] - (*state)[(block * size) + i];
            (*state)[(partner * size) + i] =
                static_cast<std::int8_t>(((wanted + kShift + (4 * kModulus)) % kModulus) - kShift);
        }
    }
};

// Computes half of the columns and copies them.
class HalfColumns : public PlainDevice {
  protected:
    std::vector<std::int8_t> next_state(std::uint32_t segment) override {
        std::vector<std::int8_t> state = PlainDevice::next_state(segment);
        std::copy_n(state.begin(), state.size() / 2, state.begin() + static_cast<std::ptrdiff_t>(state.size() / 2));
        return state;
    }
};

template <class DeviceType>
CardOutcome play_device(std::uint64_t trial) {
    Card card{h100(), trial_key("machine", trial)};
    card.use<DeviceType>();
    card.chain_factor = 0.1;  // forging is fast
    return outcome_of(h100(), {&card}, trial);
}

CardOutcome play_fitted(std::uint64_t trial) {
    FittedProducts card{h100(), trial_key("machine", trial)};
    card.chain_factor = 0.5;
    return outcome_of(h100(), {&card}, trial);
}

// A chain computed beforehand, from a seed of the prover's own choice.
class OwnSeed : public Card {
  public:
    using Card::Card;
    Timed<CapacityChainCommitment> commit(const CapacityChainChallenge& challenge) override {
        CapacityChainChallenge own = challenge;
        own.seed = trial_key("own", 1);
        return {prover->run_chain(own), from_seconds(1e-3)};
    }
};

// ---- Stores that are not there --------------------------------------------------------------------------------------

// Keeps four bits of eight: half of the memory.
class FourBits : public PlainDevice {
  public:
    Result<void> store_write(std::uint64_t offset, ByteView data) override {
        Bytes kept{data.begin(), data.end()};
        for (std::uint8_t& byte : kept) byte &= 0xF0U;
        return PlainDevice::store_write(offset, kept);
    }
};

// Keeps nothing: makes each row from a key when it is asked for. The key is a guess unless the scheme publishes it.
class Regenerating : public PlainDevice {
  public:
    Result<void> store_begin(const CapacityStoreShape& shape) override {
        store_shape_ = shape;
        return {};
    }
    Result<void> store_write(std::uint64_t /*offset*/, ByteView /*data*/) override { return {}; }
    Result<std::vector<std::int64_t>> store_sweep(std::uint32_t first_row, std::span<const std::int8_t> x) override {
        std::vector<std::int64_t> sums(store_shape_.columns);
        Bytes row(store_shape_.columns);
        for (std::size_t i = 0; i < x.size(); ++i) {
            KeyStream{key}.read((first_row + i) * row.size(), row);
            for (std::size_t j = 0; j < sums.size(); ++j)
                sums[j] += std::int64_t{x[i]} * static_cast<std::int8_t>(row[j]);
        }
        return sums;
    }

    Hash key;
};

CardOutcome play_regeneration(std::uint64_t trial) {
    Card card{h100(), trial_key("machine", trial)};
    card.use<Regenerating>();
    // All it has seen: the public name of the session.
    dynamic_cast<Regenerating&>(*card.device).key = derive_key("data", trial_key("session", trial), 0);
    return outcome_of(h100(), {&card}, trial);
}

template <int kPercent>
CardOutcome play_streamed(std::uint64_t trial) {
    Card card{h100(), trial_key("machine", trial)};
    card.fraction_streamed = kPercent / 100.0;
    return outcome_of(h100(), {&card}, trial);
}

// ---- Cards that are not there ---------------------------------------------------------------------------------------

// Two claimed cards of 80 GB, one real: one store in its memory, the other in the host's.
CardOutcome play_one_for_two(std::uint64_t trial) {
    Card real{h100(), trial_key("machine", trial)};
    Card imagined{h100(), trial_key("machine", trial)};
    imagined.fraction_streamed = 1;
    imagined.chain_factor = 2;
    return outcome_of(h100(), {&real, &imagined}, trial);
}

// Two claimed cards of 40 GB and one real card of 80 GB and the same bandwidth: both stores are in its memory, it reads
// one after the other and takes turns in which comes first.
class Shared : public Card {
  public:
    Shared(const CardSpec& spec, const Hash& key, std::uint32_t turn) : Card{spec, key}, turn_{turn} {}
    Timed<CapacityAnswer> sweep(const CapacitySweep& challenge) override {
        const bool second = challenge.round % 2 == turn_;
        delay = 1e-4 + (second ? seconds_of(challenge) : 0);
        return Card::sweep(challenge);
    }

  private:
    std::uint32_t turn_;
};

CardOutcome play_shared(std::uint64_t trial) {
    CardSpec half = h100();
    half.memory_bytes /= 2;
    Shared first{half, trial_key("machine", trial), 0};
    Shared second{half, trial_key("machine", trial), 1};
    return outcome_of(half, {&first, &second}, trial);
}

// The driver says that it is another card.
CardOutcome play_fake_name(std::uint64_t trial) {
    WordStream random{trial_key("fake", trial)};
    const auto cards = known_cards();
    // Any real card with under two thirds of the bandwidth of the claimed one; memory is no hurdle here.
    const CardSpec* claimed = nullptr;
    const CardSpec* real = nullptr;
    do {
        claimed = &cards[random.below(cards.size())];
        real = &cards[random.below(cards.size())];
    } while (static_cast<double>(real->bandwidth) > static_cast<double>(claimed->bandwidth) * 0.61);
    Card card{*real, trial_key("machine", trial)};
    card.store_bytes = 0.9 * static_cast<double>(claimed->memory_bytes);
    card.chain_factor = chain_for(claimed->operations).operations() / chain_for(real->operations).operations();
    return outcome_of(*claimed, {&card}, trial);
}

template <int kMilliseconds>
CardOutcome play_proxy(std::uint64_t trial) {
    Card card{h100(), trial_key("machine", trial)};
    card.delay += kMilliseconds * 1e-3;
    return outcome_of(h100(), {&card}, trial);
}

// ---- Messages -------------------------------------------------------------------------------------------------------

enum class Trick : unsigned char { kOldRound, kOldSums, kLate, kSilent };

class Trickster : public Card {
  public:
    Trickster(const CardSpec& spec, const Hash& key, Trick trick) : Card{spec, key}, trick_{trick} {}

    Timed<CapacityAnswer> sweep(const CapacitySweep& challenge) override {
        if (trick_ == Trick::kLate && challenge.round % 3 == 0) delay = machine.uniform(0.05, 1);
        if (trick_ == Trick::kSilent && challenge.round == 5) delay = 30;
        Timed<CapacityAnswer> timed = Card::sweep(challenge);
        delay = 1e-4;
        CHECK(timed.answer.has_value());
        const CapacityAnswer fresh = *timed.answer;
        if (trick_ == Trick::kOldRound && challenge.round == 3) timed.answer = old_;
        if (trick_ == Trick::kOldSums && challenge.round == 3) timed.answer->sums = old_.sums;
        old_ = fresh;
        return timed;
    }

  private:
    Trick trick_;
    CapacityAnswer old_;
};

template <Trick kTrick>
CardOutcome play_trick(std::uint64_t trial) {
    Trickster card{h100(), trial_key("machine", trial), kTrick};
    return outcome_of(h100(), {&card}, trial);
}

CardOutcome play_own_seed(std::uint64_t trial) {
    OwnSeed card{h100(), trial_key("machine", trial)};
    return outcome_of(h100(), {&card}, trial);
}

// Answers of an earlier session, word for word.
class Recording : public Card {
  public:
    using Card::Card;
    Timed<CapacityChainCommitment> commit(const CapacityChainChallenge& challenge) override {
        Timed<CapacityChainCommitment> timed = Card::commit(challenge);
        timed.answer->session = trial_key("earlier", 1);
        return timed;
    }
};

CardOutcome play_replayed_session(std::uint64_t trial) {
    Recording card{h100(), trial_key("machine", trial)};
    return outcome_of(h100(), {&card}, trial);
}

constexpr std::array kCheats{
    Cheat{"rank_one", "row sums times column sums instead of the product", play_device<RankOne>},
    Cheat{"approximate_product", "products rounded to 8 significant bits", play_device<Approximate>},
    Cheat{"narrow_matrix", "A in a 4-bit format", play_device<NarrowMatrix>},
    Cheat{"most_rows", "nine rows of ten right, the rest made up", play_device<MostRows>},
    Cheat{"equal_columns", "one made-up state that makes the next segment cheap", play_device<EqualColumns>},
    Cheat{"half_columns", "half of the columns, copied", play_device<HalfColumns>},
    Cheat{"skipped_links_half", "two segments of four made up", play_device<SkippedLinks<2>>},
    Cheat{"skipped_links_quarter", "one segment of four made up", play_device<SkippedLinks<3>>},
    Cheat{"fitted_products", "made-up states with products that end in them", play_fitted},
    Cheat{"reused_link", "every second state is the one before", play_device<ReusedLink>},
    Cheat{"wrong_seed", "a chain computed beforehand from another seed", play_own_seed},
    Cheat{"regenerated_store", "no store: rows are made when they are read", play_regeneration},
    Cheat{"four_bit_store", "half of every byte is kept", play_device<FourBits>},
    Cheat{"host_streaming", "the store is in the host's memory", play_streamed<100>},
    Cheat{"half_store", "half of the store is in the host's memory", play_streamed<50>},
    Cheat{"tenth_streamed", "a tenth of the store is in the host's memory", play_streamed<10>},
    Cheat{"one_card_for_two", "one of two claimed cards is not there", play_one_for_two},
    Cheat{"one_large_card_for_two", "one card with memory for two answers for both", play_shared},
    Cheat{"fake_name", "the driver names a faster card", play_fake_name},
    Cheat{"proxy_same_city", "another machine answers, 5 ms away", play_proxy<5>},
    Cheat{"proxy_same_continent", "another machine answers, 30 ms away", play_proxy<30>},
    Cheat{"replayed_round", "an answer of an earlier round", play_trick<Trick::kOldRound>},
    Cheat{"replayed_sums", "sums of an earlier round under the right number", play_trick<Trick::kOldSums>},
    Cheat{"replayed_session", "a commitment of an earlier session", play_replayed_session},
    Cheat{"late_answers", "a third of the rounds late", play_trick<Trick::kLate>},
    Cheat{"silence", "one answer after the longest wait", play_trick<Trick::kSilent>},
};

}  // namespace

std::span<const Cheat> cheats() {
    return kCheats;
}

CardOutcome play_honest(std::uint64_t trial) {
    WordStream random{trial_key("honest", trial)};
    const CardSpec& spec = known_cards()[random.below(known_cards().size())];
    std::vector<std::unique_ptr<Card>> cards;
    std::vector<Player*> players;
    for (std::uint64_t i = 0; i <= random.below(2); ++i) {
        cards.push_back(std::make_unique<Card>(spec, trial_key("machine", (trial * 2) + i)));
        players.push_back(cards.back().get());
    }
    return outcome_of(spec, players, trial);
}

bool naive_scheme_accepts_regeneration(std::uint64_t trial) {
    const Hash published = trial_key("published", trial);
    StoreKey verifier{kStore, published, trial_key("vector", trial)};
    Regenerating device;
    device.key = published;
    Prover prover{&device};
    std::uint64_t offset = 0;
    while (!verifier.complete()) {
        Bytes data = verifier.next_chunk(kFillBytesMax);
        const std::size_t size = data.size();
        if (!prover.fill({{}, 0, kStore, offset, std::move(data)})) return false;
        offset += size;
    }
    const CapacitySweep sweep{{}, 0, 0, 0, kStore.rows, trial_key("sweep", trial)};
    const auto answer = prover.sweep(sweep);
    return answer && verifier.accepts(sweep, answer->sums);
}

}  // namespace vcity::capacity::testing
