// SPDX-License-Identifier: Apache-2.0
// The card's side of a proof of capacity: an integer matrix product on the tensor cores (mma of 8-bit integers, compute
// capability 7.5 and up), keccak-256 of the states, and sums over the store with byte dot products.
#include "kernels.hpp"

#include <algorithm>

#include <cuda_pipeline_primitives.h>
#include <cuda_runtime.h>
#include <mma.h>

#include "kernel_math.hpp"

namespace vcity::adapters::kernels {

const char* const kOutOfMemory = "the card's memory is too small";

struct Card {
    int index = 0;
    cudaStream_t stream = nullptr;
    Sizes sizes{};
    std::int8_t* matrix = nullptr;
    std::int8_t* states = nullptr;   // segments + 1
    std::int8_t* work[2] = {};       // one state each
    std::uint64_t* digests = nullptr;
    std::int8_t* store = nullptr;
    std::uint32_t store_rows = 0;
    std::uint32_t store_columns = 0;
    std::int8_t* x = nullptr;
    unsigned long long* sums = nullptr;
};

namespace {

constexpr int kTile = 128;        // rows and columns of the product that a thread block makes
constexpr int kDepth = 64;        // entries of A's rows that are in shared memory at a time
constexpr int kFragment = 16;     // side of the pieces that a warp multiplies
constexpr int kPieces = kDepth / kFragment;
constexpr int kThreads = 256;     // 8 warps, each with 64 columns and 32 rows
constexpr int kWarpColumns = 64;
constexpr int kWarpRows = 32;
constexpr int kChunkBytes = 1024;

// A slab of a matrix in shared memory: [piece][line][16 bytes], so that every fragment starts at a multiple of 256
// bytes and eight lines in a row touch every bank once.
struct Slab {
    std::int8_t bytes[kPieces][kTile][kFragment];
};
struct Shared {
    Slab x[2];
    Slab a[2];
};

// Lines [first, first + kTile) of a matrix with `rows` bytes a line, bytes [k, k + kDepth) of each; zeros beyond it.
__device__ void load_slab(Slab* slab, const std::int8_t* source, int lines, int rows, int first, int k) {
    for (int i = threadIdx.x; i < kTile * kPieces; i += kThreads) {
        const int line = i / kPieces;
        const int piece = i % kPieces;
        std::int8_t* target = slab->bytes[piece][line];
        const int at = k + piece * kFragment;
        if (first + line < lines && at < rows) {
            __pipeline_memcpy_async(target, source + static_cast<std::size_t>(first + line) * rows + at, kFragment);
        } else {
            *reinterpret_cast<uint4*>(target) = make_uint4(0, 0, 0, 0);
        }
    }
}

// products[c][r] = sum over k of columns[c][k] * matrix[r][k]. Writes 32-bit products, or the entries that follow from
// them. Sizes are multiples of 16. grid: (rows / kTile, columns / kTile) rounded up.
template <class Out>
__global__ void __launch_bounds__(kThreads)
    multiply(const std::int8_t* columns, const std::int8_t* matrix, int count, int rows, Out* out) {
    using namespace nvcuda::wmma;
    extern __shared__ __align__(128) unsigned char memory[];
    Shared& shared = *reinterpret_cast<Shared*>(memory);
    const int warp = threadIdx.x / 32;
    const int first_column = blockIdx.y * kTile;
    const int first_row = blockIdx.x * kTile;
    const int warp_column = (warp % 2) * kWarpColumns;
    const int warp_row = (warp / 2) * kWarpRows;
    constexpr int kTall = kWarpColumns / kFragment;
    constexpr int kWide = kWarpRows / kFragment;
    fragment<accumulator, kFragment, kFragment, kFragment, int> sums[kTall][kWide];
    for (auto& line : sums) {
        for (auto& sum : line) fill_fragment(sum, 0);
    }
    load_slab(&shared.x[0], columns, count, rows, first_column, 0);
    load_slab(&shared.a[0], matrix, rows, rows, first_row, 0);
    __pipeline_commit();
    const int slabs = (rows + kDepth - 1) / kDepth;
    for (int slab = 0; slab < slabs; ++slab) {
        // The next slab travels while this one is multiplied.
        if (slab + 1 < slabs) {
            load_slab(&shared.x[(slab + 1) % 2], columns, count, rows, first_column, (slab + 1) * kDepth);
            load_slab(&shared.a[(slab + 1) % 2], matrix, rows, rows, first_row, (slab + 1) * kDepth);
        }
        __pipeline_commit();
        __pipeline_wait_prior(1);
        __syncthreads();
        const Slab& x = shared.x[slab % 2];
        const Slab& a = shared.a[slab % 2];
        for (int piece = 0; piece < kPieces; ++piece) {
            fragment<matrix_a, kFragment, kFragment, kFragment, signed char, row_major> left[kTall];
            fragment<matrix_b, kFragment, kFragment, kFragment, signed char, col_major> right[kWide];
            for (int i = 0; i < kTall; ++i) {
                load_matrix_sync(left[i], x.bytes[piece][warp_column + i * kFragment], kFragment);
            }
            for (int j = 0; j < kWide; ++j) {
                load_matrix_sync(right[j], a.bytes[piece][warp_row + j * kFragment], kFragment);
            }
            for (int i = 0; i < kTall; ++i) {
                for (int j = 0; j < kWide; ++j) mma_sync(sums[i][j], left[i], right[j], sums[i][j]);
            }
        }
        __syncthreads();
    }
    // Through shared memory, where the layout of a fragment is known: 1 KiB a warp.
    int* stage = reinterpret_cast<int*>(memory) + warp * kFragment * kFragment;
    const int lane = threadIdx.x % 32;
    for (int i = 0; i < kTall; ++i) {
        for (int j = 0; j < kWide; ++j) {
            const int column = first_column + warp_column + i * kFragment;
            const int row = first_row + warp_row + j * kFragment;
            store_matrix_sync(stage, sums[i][j], kFragment, mem_row_major);
            __syncwarp();
            if (column < count && row < rows) {
                for (int e = lane; e < kFragment * kFragment; e += 32) {
                    const std::size_t at = static_cast<std::size_t>(column + e / kFragment) * rows + row + e % kFragment;
                    if constexpr (sizeof(Out) == 1) {
                        out[at] = entry_of(stage[e]);
                    } else {
                        out[at] = stage[e];
                    }
                }
            }
            __syncwarp();
        }
    }
}

template <class Out>
void launch_multiply(Card* card, const std::int8_t* columns, int count, Out* out) {
    const int rows = static_cast<int>(card->sizes.rows);
    const dim3 grid((rows + kTile - 1) / kTile, (count + kTile - 1) / kTile);
    multiply<Out><<<grid, kThreads, sizeof(Shared), card->stream>>>(columns, card->matrix, count, rows, out);
}

// out = state + state with its blocks rotated + state 0.
__global__ void mix(
    const std::int8_t* state, const std::int8_t* first, std::size_t size, std::size_t shift, std::int8_t* out) {
    const std::size_t stride = std::size_t{gridDim.x} * blockDim.x;
    for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < size; i += stride) {
        out[i] = static_cast<std::int8_t>(state[i] + state[(i + shift) % size] + first[i]);
    }
}

// One thread a chunk. Blocks and chunks are whole words of eight bytes.
__global__ void digest(const std::int8_t* state, std::size_t blocks, std::size_t block_bytes, std::uint64_t* digests) {
    const std::size_t chunks = (block_bytes + kChunkBytes - 1) / kChunkBytes;
    const std::size_t index = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (index >= blocks * chunks) return;
    const std::size_t first = index % chunks * kChunkBytes;
    const std::size_t left = block_bytes - first;
    const auto* words = reinterpret_cast<const std::uint64_t*>(state + index / chunks * block_bytes + first);
    keccak_words(words, (left < kChunkBytes ? left : kChunkBytes) / 8, digests + index * 4);
}

constexpr int kSweepThreads = 128;
// Rows of one thread, multiples of four: enough that the additions at the end cost little, few enough that small windows
// keep the card busy too. 32-bit sums hold 2^31 / (127 * 128) = 132,000 rows.
constexpr std::uint32_t kSweepRowsMin = 64;
constexpr std::uint32_t kSweepRowsMax = 4096;
constexpr std::uint32_t kSweepGroups = 2048;

// Each thread adds up 16 columns of `part` rows, four rows at a time. grid: (columns / 16 / threads, rows / part) rounded
// up. x is padded with zeros to a multiple of four.
__global__ void sweep(const std::int8_t* store,
                      const std::int8_t* x,
                      std::uint32_t rows,
                      std::uint32_t part,
                      std::uint32_t columns,
                      unsigned long long* out) {
    const std::uint32_t column = (blockIdx.x * kSweepThreads + threadIdx.x) * 16;
    if (column >= columns) return;
    const std::uint32_t first = blockIdx.y * part;
    const std::uint32_t last = min(first + part, rows);
    std::int32_t sums[16] = {};
    for (std::uint32_t row = first; row < last; row += 4) {
        uint4 lines[4];
        for (int i = 0; i < 4; ++i) {
            const auto* line = store + static_cast<std::size_t>(row + i) * columns + column;
            lines[i] = row + i < last ? __ldcs(reinterpret_cast<const uint4*>(line)) : make_uint4(0, 0, 0, 0);
        }
        const std::uint32_t four = *reinterpret_cast<const std::uint32_t*>(x + row);
        const std::uint32_t words[4][4] = {{lines[0].x, lines[1].x, lines[2].x, lines[3].x},
                                           {lines[0].y, lines[1].y, lines[2].y, lines[3].y},
                                           {lines[0].z, lines[1].z, lines[2].z, lines[3].z},
                                           {lines[0].w, lines[1].w, lines[2].w, lines[3].w}};
        for (int word = 0; word < 4; ++word) sweep_words(words[word], four, sums + 4 * word);
    }
    for (int j = 0; j < 16; ++j) {
        // Two's complement: adding as unsigned is adding as signed.
        atomicAdd(out + column + j, static_cast<unsigned long long>(static_cast<long long>(sums[j])));
    }
}

const char* failure(cudaError_t status) {
    if (status == cudaSuccess) return nullptr;
    (void)cudaGetLastError();
    return status == cudaErrorMemoryAllocation ? kOutOfMemory : cudaGetErrorString(status);
}

template <class T>
const char* allocate(T** pointer, std::size_t count) {
    return failure(cudaMalloc(reinterpret_cast<void**>(pointer), count * sizeof(T)));
}
template <class T>
void release(T** pointer) {
    if (*pointer != nullptr) (void)cudaFree(*pointer);
    *pointer = nullptr;
}

std::size_t block_bytes(const Card& card) {
    return std::size_t{card.sizes.rows} * card.sizes.block_columns;
}
std::size_t state_bytes(const Card& card) {
    return std::size_t{card.sizes.rows} * card.sizes.columns;
}
std::size_t digest_words(const Card& card) {
    const std::size_t chunks = (block_bytes(card) + kChunkBytes - 1) / kChunkBytes;
    return card.sizes.columns / card.sizes.block_columns * chunks * 4;
}

// A copy between the host and the card, and the wait for everything before it.
const char* copy(Card* card, void* target, const void* source, std::size_t bytes, cudaMemcpyKind kind) {
    const char* failed = failure(cudaMemcpyAsync(target, source, bytes, kind, card->stream));
    return failed != nullptr ? failed : failure(cudaStreamSynchronize(card->stream));
}

const char* select(Card* card) {
    return failure(cudaSetDevice(card->index));
}

}  // namespace

int card_count() {
    int count = 0;
    return failure(cudaGetDeviceCount(&count)) == nullptr ? count : 0;
}

const char* card_open(int index, Card** card) {
    auto* opened = new Card;
    opened->index = index;
    const char* failed = select(opened);
    if (failed == nullptr) failed = failure(cudaStreamCreate(&opened->stream));
    if (failed != nullptr) {
        delete opened;
        return failed;
    }
    *card = opened;
    return nullptr;
}

void card_close(Card* card) {
    chain_end(card);
    store_end(card);
    (void)cudaStreamDestroy(card->stream);
    delete card;
}

void card_info(Card* card, char name[256], std::uint64_t* bytes, std::uint64_t* bytes_free) {
    cudaDeviceProp properties{};
    std::size_t all = 0;
    std::size_t free = 0;
    (void)select(card);
    (void)cudaGetDeviceProperties(&properties, card->index);
    (void)cudaMemGetInfo(&free, &all);
    std::copy(properties.name, properties.name + 256, name);
    *bytes = all;
    *bytes_free = free;
}

const char* chain_begin(Card* card, const Sizes& sizes, const std::int8_t* matrix, const std::int8_t* state) {
    chain_end(card);
    card->sizes = sizes;
    const std::size_t one = state_bytes(*card);
    const std::size_t square = std::size_t{sizes.rows} * sizes.rows;
    const char* failed = select(card);
    if (failed == nullptr) failed = allocate(&card->matrix, square);
    if (failed == nullptr) failed = allocate(&card->states, one * (sizes.segments + 1));
    for (auto& work : card->work) {
        if (failed == nullptr) failed = allocate(&work, one);
    }
    if (failed == nullptr) failed = allocate(&card->digests, digest_words(*card));
    if (failed == nullptr) failed = copy(card, card->matrix, matrix, square, cudaMemcpyHostToDevice);
    if (failed == nullptr) failed = copy(card, card->states, state, one, cudaMemcpyHostToDevice);
    if (failed != nullptr) chain_end(card);
    return failed;
}

const char* chain_advance(Card* card, std::uint32_t segment, std::uint32_t distance, std::uint8_t* digests) {
    if (const char* failed = select(card)) return failed;
    const std::size_t one = state_bytes(*card);
    const int count = static_cast<int>(card->sizes.columns);
    const std::int8_t* from = card->states + segment * one;
    std::int8_t* next = card->states + (segment + 1) * one;
    mix<<<1024, kThreads, 0, card->stream>>>(from, card->states, one, distance * block_bytes(*card), card->work[0]);
    for (std::uint32_t step = 0; step < card->sizes.steps; ++step) {
        const bool last = step + 1 == card->sizes.steps;
        launch_multiply(card, card->work[step % 2], count, last ? next : card->work[(step + 1) % 2]);
    }
    const std::size_t words = digest_words(*card);
    const auto groups = static_cast<unsigned>((words / 4 + kThreads - 1) / kThreads);
    digest<<<groups, kThreads, 0, card->stream>>>(next, card->sizes.columns / card->sizes.block_columns,
                                                  block_bytes(*card), card->digests);
    if (const char* failed = failure(cudaGetLastError())) return failed;
    return copy(card, digests, card->digests, words * 8, cudaMemcpyDeviceToHost);
}

const char* chain_block(Card* card, std::uint32_t state, std::uint32_t block, std::int8_t* out) {
    if (const char* failed = select(card)) return failed;
    const std::size_t bytes = block_bytes(*card);
    return copy(card, out, card->states + state * state_bytes(*card) + block * bytes, bytes, cudaMemcpyDeviceToHost);
}

const char* chain_multiply(Card* card, const std::int8_t* columns, std::uint32_t count, std::int32_t* products) {
    if (const char* failed = select(card)) return failed;
    const std::uint32_t padded = (count + 15) / 16 * 16;
    const std::size_t size = std::size_t{padded} * card->sizes.rows;
    const std::size_t used = std::size_t{count} * card->sizes.rows;
    std::int8_t* input = nullptr;
    std::int32_t* output = nullptr;
    const char* failed = allocate(&input, size);
    if (failed == nullptr) failed = allocate(&output, size);
    if (failed == nullptr) failed = failure(cudaMemsetAsync(input, 0, size, card->stream));
    if (failed == nullptr) failed = copy(card, input, columns, used, cudaMemcpyHostToDevice);
    if (failed == nullptr) {
        launch_multiply(card, input, static_cast<int>(padded), output);
        failed = failure(cudaGetLastError());
    }
    if (failed == nullptr) failed = copy(card, products, output, used * 4, cudaMemcpyDeviceToHost);
    release(&input);
    release(&output);
    return failed;
}

void chain_end(Card* card) {
    (void)select(card);
    release(&card->matrix);
    release(&card->states);
    for (auto& work : card->work) release(&work);
    release(&card->digests);
}

const char* store_begin(Card* card, std::uint32_t rows, std::uint32_t columns) {
    store_end(card);
    const char* failed = select(card);
    if (failed == nullptr) failed = allocate(&card->store, std::size_t{rows} * columns);
    if (failed == nullptr) failed = allocate(&card->x, std::size_t{rows} + 4);
    if (failed == nullptr) failed = allocate(&card->sums, columns);
    if (failed != nullptr) {
        store_end(card);
        return failed;
    }
    card->store_rows = rows;
    card->store_columns = columns;
    return nullptr;
}

const char* store_write(Card* card, std::uint64_t offset, const std::uint8_t* data, std::size_t size) {
    if (const char* failed = select(card)) return failed;
    return copy(card, card->store + offset, data, size, cudaMemcpyHostToDevice);
}

const char* store_sweep(
    Card* card, std::uint32_t first_row, const std::int8_t* x, std::uint32_t rows, std::int64_t* sums) {
    if (const char* failed = select(card)) return failed;
    const std::uint32_t columns = card->store_columns;
    const char* failed = failure(cudaMemsetAsync(card->x, 0, std::size_t{rows} + 4, card->stream));
    if (failed == nullptr) failed = failure(cudaMemsetAsync(card->sums, 0, std::size_t{columns} * 8, card->stream));
    if (failed == nullptr) {
        failed = failure(cudaMemcpyAsync(card->x, x, rows, cudaMemcpyHostToDevice, card->stream));
    }
    if (failed != nullptr) return failed;
    const std::int8_t* window = card->store + static_cast<std::size_t>(first_row) * columns;
    const std::uint32_t across = (columns / 16 + kSweepThreads - 1) / kSweepThreads;
    const std::uint64_t even = (std::uint64_t{rows} * across / kSweepGroups + 3) / 4 * 4;
    const auto part = static_cast<std::uint32_t>(
        std::clamp(even, std::uint64_t{kSweepRowsMin}, std::uint64_t{kSweepRowsMax}));
    // The grid's second side holds 65,535 at most.
    const std::uint32_t rows_per_launch = 65'535U * part;
    for (std::uint32_t done = 0; done < rows; done += std::min(rows - done, rows_per_launch)) {
        const std::uint32_t count = std::min(rows - done, rows_per_launch);
        const dim3 grid(across, (count + part - 1) / part);
        sweep<<<grid, kSweepThreads, 0, card->stream>>>(window + static_cast<std::size_t>(done) * columns,
                                                        card->x + done, count, part, columns, card->sums);
    }
    failed = failure(cudaGetLastError());
    if (failed != nullptr) return failed;
    return copy(card, sums, card->sums, std::size_t{columns} * 8, cudaMemcpyDeviceToHost);
}

void store_end(Card* card) {
    (void)select(card);
    release(&card->store);
    release(&card->x);
    release(&card->sums);
    card->store_rows = 0;
    card->store_columns = 0;
}

}  // namespace vcity::adapters::kernels
