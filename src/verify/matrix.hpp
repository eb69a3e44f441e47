// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "verify/check/numeric.hpp"
#include "verify/shape.hpp"
#include "verify/weights_root.hpp"

namespace vcity::verify {

// A stored matrix [rows, cols] of the public checkpoint, borrowed. Its numbers widen to fp32 exactly; in the compute
// type that is the W of y = W x.
class Matrix {
  public:
    Matrix() = default;
    // kInvalid unless the tensor has two dimensions and as many bytes as they say. A model that computes in bf16 rounds
    // other weights to bf16 when it loads them, to nearest even; so does this.
    static Result<Matrix> make(const TensorView& tensor, ComputeType compute);

    std::uint32_t rows() const { return rows_; }
    std::uint32_t cols() const { return cols_; }
    // Row below rows() into out, which has cols() elements.
    void read_row(std::uint32_t row, std::span<float> out) const;
    // One element.
    float at(std::uint32_t row, std::uint32_t col) const;
    // The inner product of a row with x, which has cols() elements, and the sum of its squared terms, in fp64.
    RowProduct row_product(std::uint32_t row, std::span<const float> x) const;

  private:
    TensorType type_ = TensorType::kFloat32;
    bool rounded_ = false;
    std::uint32_t rows_ = 0;
    std::uint32_t cols_ = 0;
    ByteView bytes_;
};

// A stored vector, widened and in the compute type. kInvalid unless it has one dimension and its bytes.
Result<std::vector<float>> read_vector(const TensorView& tensor, ComputeType compute);

struct LayerWeights {
    std::vector<float> attention_norm;
    Matrix q, k, v, o;
    std::vector<float> mlp_norm;
    Matrix gate, up, down;
};

// The public weights of a model. The matrices borrow: the mapped files must outlive this.
struct ModelWeights {
    Matrix embedding;
    std::vector<LayerWeights> layers;
    std::vector<float> final_norm;
    Matrix head;  // the embedding itself when the two are tied
};

// Finds every tensor of the shape by its Hugging Face name and checks its dimensions. kNotFound or kInvalid otherwise;
// kInvalid too for a weight that is not finite.
Result<ModelWeights> bind_weights(const ModelShape& shape, const std::vector<TensorView>& tensors);

}  // namespace vcity::verify
