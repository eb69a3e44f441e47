// SPDX-License-Identifier: Apache-2.0
#include "diffusion/config.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

namespace vcity::diffusion {
namespace {

using codec::Json;

constexpr std::uint64_t kWidthMax = 1U << 14U;
constexpr std::uint64_t kLevelsMax = 8;
constexpr std::uint64_t kLayersMax = 64;
constexpr std::uint64_t kVocabularyMax = 1U << 20U;
constexpr std::uint64_t kPositionsMax = 4096;
constexpr std::uint64_t kStepsMax = 100'000;

// Fields of one file, which is named in what is wrong with them.
class Fields {
  public:
    static Result<Fields> parse(std::string_view file, std::string_view text) {
        Result<Json> json = codec::parse_json(text);
        if (!json) return make_error(Errc::kInvalid, fmt::format("{}: {}", file, json.error().message));
        if (!json->is_object()) return make_error(Errc::kInvalid, fmt::format("{}: is no JSON object", file));
        return Fields{file, *std::move(json)};
    }

    Error bad(std::string_view field, std::string_view why) const {
        return make_error(Errc::kInvalid, fmt::format("{}: {}: {}", file_, field, why));
    }
    // nullptr: absent or null.
    const Json* find(std::string_view name) const {
        const Json* field = json_.find(name);
        return field == nullptr || field->is_null() ? nullptr : field;
    }
    Result<std::uint32_t> size(std::string_view name, std::uint64_t most) const {
        const Json* field = find(name);
        if (field == nullptr) return bad(name, "is missing");
        return whole(name, *field, most);
    }
    Result<std::uint32_t> size_or(std::string_view name, std::uint64_t most, std::uint32_t otherwise) const {
        return find(name) == nullptr ? Result<std::uint32_t>{otherwise} : size(name, most);
    }
    Result<double> number_or(std::string_view name, double least, double most, double otherwise) const {
        const Json* field = find(name);
        if (field == nullptr) return otherwise;
        double value = 0;
        if (!field->get_double(&value) || !(value >= least && value <= most)) {
            return bad(name, fmt::format("must be a number from {} to {}", least, most));
        }
        return value;
    }
    Result<bool> flag_or(std::string_view name, bool otherwise) const {
        const Json* field = find(name);
        if (field == nullptr) return otherwise;
        if (field->get_bool() == nullptr) return bad(name, "must be true or false");
        return *field->get_bool();
    }
    // The index of the text among those that are known; absent: the first.
    Result<std::size_t> choice(std::string_view name, std::initializer_list<std::string_view> known) const {
        const Json* field = find(name);
        if (field == nullptr) return std::size_t{0};
        const std::string* text = field->get_string();
        const auto found = text == nullptr ? known.end() : std::ranges::find(known, *text);
        if (found == known.end()) return bad(name, fmt::format("must be one of {}", fmt::join(known, ", ")));
        return static_cast<std::size_t>(found - known.begin());
    }
    Result<void> only(std::string_view name, std::initializer_list<std::string_view> known) const {
        TRY_OK(choice(name, known));
        return {};
    }
    Result<void> absent(std::initializer_list<std::string_view> names) const {
        for (const std::string_view name : names) {
            const Json* field = find(name);
            const bool is_off = field == nullptr || (field->get_bool() != nullptr && !*field->get_bool());
            if (!is_off) return bad(name, "is not supported");
        }
        return {};
    }
    Result<std::vector<std::uint32_t>> sizes(std::string_view name) const {
        const Json* field = find(name);
        const codec::JsonArray* all = field == nullptr ? nullptr : field->get_array();
        if (all == nullptr || all->empty() || all->size() > kLevelsMax) {
            return bad(name, fmt::format("must be a list of 1 to {} numbers", kLevelsMax));
        }
        std::vector<std::uint32_t> out;
        for (const Json& one : *all) {
            TRY(const std::uint32_t value, whole(name, one, kWidthMax));
            out.push_back(value);
        }
        return out;
    }
    // For each of `count` levels whether it is of the second of two kinds.
    Result<std::vector<bool>> kinds(std::string_view name,
                                    std::string_view plain,
                                    std::string_view with_words,
                                    std::size_t count) const {
        const Json* field = find(name);
        const codec::JsonArray* all = field == nullptr ? nullptr : field->get_array();
        if (all == nullptr || all->size() != count) return bad(name, fmt::format("must be a list of {} kinds", count));
        std::vector<bool> out;
        for (const Json& one : *all) {
            const std::string* text = one.get_string();
            const bool is_known = text != nullptr && (*text == plain || *text == with_words);
            if (!is_known) return bad(name, fmt::format("only {} and {} are supported", plain, with_words));
            out.push_back(*text == with_words);
        }
        return out;
    }

  private:
    Fields(std::string_view file, Json json) : file_{file}, json_{std::move(json)} {}

    Result<std::uint32_t> whole(std::string_view name, const Json& json, std::uint64_t most) const {
        std::uint64_t value = 0;
        if (!json.get_u64(&value) || value == 0 || value > most) {
            return bad(name, fmt::format("must be a whole number from 1 to {}", most));
        }
        return static_cast<std::uint32_t>(value);
    }

    std::string file_;
    Json json_;
};

Result<void> check_groups(const Fields& fields, const std::vector<std::uint32_t>& channels, std::uint32_t groups) {
    const bool divides = std::ranges::all_of(channels, [&](std::uint32_t width) { return width % groups == 0; });
    if (divides) return {};
    return fields.bad("norm_num_groups", "must divide every one of block_out_channels");
}

// One number for all levels, or one for each. What diffusers calls a dimension is the number of heads (its issue 2011).
Result<std::vector<std::uint32_t>> read_heads(const Fields& fields, const std::vector<std::uint32_t>& channels) {
    const char* name = fields.find("num_attention_heads") != nullptr ? "num_attention_heads" : "attention_head_dim";
    std::vector<std::uint32_t> heads;
    const Json* field = fields.find(name);
    if (field != nullptr && field->get_array() != nullptr) {
        TRY(heads, fields.sizes(name));
    } else {
        TRY(const std::uint32_t one, fields.size_or(name, kWidthMax, 8));
        heads.assign(channels.size(), one);
    }
    if (heads.size() != channels.size()) return fields.bad(name, "must have a number for each of block_out_channels");
    for (std::size_t level = 0; level < heads.size(); ++level) {
        if (channels[level] % heads[level] != 0) return fields.bad(name, "must divide block_out_channels");
    }
    return heads;
}

}  // namespace

Result<UnetConfig> parse_unet_config(std::string_view text) {
    TRY(const Fields fields, Fields::parse("unet/config.json", text));
    TRY_OK(fields.only("_class_name", {"UNet2DConditionModel"}));
    TRY_OK(fields.only("act_fn", {"silu"}));
    TRY_OK(fields.only("mid_block_type", {"UNetMidBlock2DCrossAttn"}));
    TRY_OK(fields.only("resnet_time_scale_shift", {"default"}));
    TRY_OK(fields.only("time_embedding_type", {"positional"}));
    TRY_OK(fields.absent({"addition_embed_type", "class_embed_type", "dual_cross_attention", "only_cross_attention",
                          "encoder_hid_dim", "time_cond_proj_dim", "center_input_sample"}));
    UnetConfig config;
    TRY(config.in_channels, fields.size("in_channels", kWidthMax));
    TRY(config.out_channels, fields.size("out_channels", kWidthMax));
    constexpr std::uint64_t kSampleSizeMax = 256;
    TRY(config.sample_size, fields.size("sample_size", kSampleSizeMax));
    TRY(config.channels, fields.sizes("block_out_channels"));
    TRY(config.heads, read_heads(fields, config.channels));
    const std::size_t levels = config.channels.size();
    TRY(config.down_words, fields.kinds("down_block_types", "DownBlock2D", "CrossAttnDownBlock2D", levels));
    TRY(config.up_words, fields.kinds("up_block_types", "UpBlock2D", "CrossAttnUpBlock2D", levels));
    TRY(config.layers, fields.size("layers_per_block", kLayersMax));
    TRY(config.context, fields.size("cross_attention_dim", kWidthMax));
    constexpr std::uint32_t kGroups = 32;
    TRY(config.groups, fields.size_or("norm_num_groups", kWidthMax, kGroups));
    TRY_OK(check_groups(fields, config.channels, config.groups));
    TRY(config.eps, fields.number_or("norm_eps", 0, 1, config.eps));
    TRY(config.frequency_shift, fields.number_or("freq_shift", 0, 1, 0));
    TRY(config.cosine_first, fields.flag_or("flip_sin_to_cos", true));
    TRY(config.linear_projection, fields.flag_or("use_linear_projection", false));
    if (config.channels.front() % 2 != 0) return fields.bad("block_out_channels", "the first must be even");
    if (config.sample_size % (1U << (levels - 1)) != 0) return fields.bad("sample_size", "cannot be halved that often");
    return config;
}

Result<VaeConfig> parse_vae_config(std::string_view text) {
    TRY(const Fields fields, Fields::parse("vae/config.json", text));
    TRY_OK(fields.only("_class_name", {"AutoencoderKL"}));
    TRY_OK(fields.only("act_fn", {"silu"}));
    TRY(const std::uint32_t colors, fields.size("out_channels", kWidthMax));
    constexpr std::uint32_t kColors = 3;
    if (colors != kColors) return fields.bad("out_channels", "must be 3: red, green and blue");
    VaeConfig config;
    TRY(config.latent_channels, fields.size("latent_channels", kWidthMax));
    TRY(config.channels, fields.sizes("block_out_channels"));
    TRY(config.layers, fields.size("layers_per_block", kLayersMax));
    constexpr std::uint32_t kGroups = 32;
    TRY(config.groups, fields.size_or("norm_num_groups", kWidthMax, kGroups));
    TRY_OK(check_groups(fields, config.channels, config.groups));
    TRY(config.scaling, fields.number_or("scaling_factor", 1e-6, 1e6, config.scaling));
    return config;
}

Result<TextConfig> parse_text_config(std::string_view text) {
    TRY(const Fields fields, Fields::parse("text_encoder/config.json", text));
    TRY_OK(fields.only("model_type", {"clip_text_model"}));
    TextConfig config;
    TRY(config.vocabulary, fields.size("vocab_size", kVocabularyMax));
    TRY(config.width, fields.size("hidden_size", kWidthMax));
    TRY(config.inner, fields.size("intermediate_size", kWidthMax));
    TRY(config.layers, fields.size("num_hidden_layers", kLayersMax));
    TRY(config.heads, fields.size("num_attention_heads", kWidthMax));
    TRY(config.positions, fields.size("max_position_embeddings", kPositionsMax));
    TRY(config.eps, fields.number_or("layer_norm_eps", 0, 1, config.eps));
    TRY(const std::size_t activation, fields.choice("hidden_act", {"quick_gelu", "gelu"}));
    config.quick_gelu = activation == 0;
    if (config.width % config.heads != 0) return fields.bad("num_attention_heads", "must divide hidden_size");
    if (config.positions < 2) return fields.bad("max_position_embeddings", "must be at least 2");
    return config;
}

Result<ScheduleConfig> parse_schedule_config(std::string_view text) {
    TRY(const Fields fields, Fields::parse("scheduler/scheduler_config.json", text));
    TRY_OK(fields.only("_class_name", {"DDIMScheduler", "PNDMScheduler", "EulerDiscreteScheduler", "DDPMScheduler"}));
    TRY_OK(fields.only("timestep_spacing", {"leading"}));
    TRY_OK(fields.absent({"clip_sample", "thresholding", "trained_betas", "rescale_betas_zero_snr"}));
    ScheduleConfig config;
    TRY(config.train_steps, fields.size_or("num_train_timesteps", kStepsMax, config.train_steps));
    TRY(config.beta_start, fields.number_or("beta_start", 1e-9, 0.5, config.beta_start));
    TRY(config.beta_end, fields.number_or("beta_end", 1e-9, 0.5, config.beta_end));
    TRY(const std::size_t rule, fields.choice("beta_schedule", {"linear", "scaled_linear"}));
    config.is_scaled = rule == 1;
    TRY(config.ends_clean, fields.flag_or("set_alpha_to_one", true));
    TRY(const double offset, fields.number_or("steps_offset", 0, 1, 0));
    config.offset = static_cast<std::uint32_t>(offset);
    TRY(const std::size_t prediction, fields.choice("prediction_type", {"epsilon", "v_prediction", "sample"}));
    config.prediction = static_cast<Prediction>(prediction);
    return config;
}

Result<void> check_model_index(std::string_view text) {
    TRY(const Fields fields, Fields::parse("model_index.json", text));
    TRY_OK(fields.only("_class_name", {"StableDiffusionPipeline"}));
    const std::pair<const char*, const char*> parts[] = {{"unet", "UNet2DConditionModel"},
                                                         {"vae", "AutoencoderKL"},
                                                         {"text_encoder", "CLIPTextModel"},
                                                         {"tokenizer", "CLIPTokenizer"}};
    for (const auto& [part, kind] : parts) {
        const Json* field = fields.find(part);
        const codec::JsonArray* pair = field == nullptr ? nullptr : field->get_array();
        const bool is_kind = pair != nullptr && pair->size() == 2 && (*pair)[1].get_string() != nullptr &&
                             *(*pair)[1].get_string() == kind;
        if (!is_kind) return fields.bad(part, fmt::format("must be a {}", kind));
    }
    return {};
}

}  // namespace vcity::diffusion
