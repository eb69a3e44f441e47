// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/media/media_request.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "services/gateway/work/spec_reader.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;
using spec::Member;

constexpr std::size_t kNameBytesMax = 64;
constexpr double kWordsAtOne = 170;
constexpr double kSpeedMin = 0.5;
constexpr double kSpeedMax = 2.5;
constexpr double kGuidanceMax = 20;
constexpr std::uint32_t kStepsMax = 100;
constexpr std::uint32_t kSeedMax = 4'294'967'295U;
constexpr std::uint32_t kSecondsMax = 120;

// OpenAI's names, as voices of eSpeak NG that differ from each other. They do not sound like OpenAI's.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNamedVoices{{
    {"auto", ""},
    {"alloy", ""},
    {"echo", "+m3"},
    {"fable", "+m5"},
    {"onyx", "+m7"},
    {"nova", "+f2"},
    {"shimmer", "+f4"},
}};
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kSounds{{
    {"mp3", "audio/mpeg"},
    {"opus", "audio/ogg"},
    {"aac", "audio/aac"},
    {"flac", "audio/flac"},
    {"wav", "audio/wav"},
}};
// The model's own side is 32.
constexpr std::array<std::pair<std::string_view, std::uint32_t>, 5> kSizes{{
    {"auto", 8},
    {"256x256", 8},
    {"128x128", 4},
    {"64x64", 2},
    {"32x32", 1},
}};

bool is_voice(std::string_view name) {
    return !name.starts_with('-') && std::ranges::all_of(name, [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == '+';
    });
}

// Where in the table the text is; its length otherwise.
template <class Value, std::size_t kRows>
std::size_t row_of(const Json& value, const std::array<std::pair<std::string_view, Value>, kRows>& table) {
    const std::string* text = value.get_string();
    const auto found =
        std::ranges::find_if(table, [&](const auto& row) { return text != nullptr && row.first == *text; });
    return static_cast<std::size_t>(found - table.begin());
}

Refusal read_number(const Json& value, const std::string& path, std::pair<double, double> range, double* out) {
    if (value.get_double(out) && *out >= range.first && *out <= range.second) return std::nullopt;
    return spec::refusal(ErrorCode::kInvalidValue, path, value,
                         fmt::format("a number from {} to {}", range.first, range.second));
}

// Nothing but what this network does anyway.
template <class Target>
Refusal must_be(const Json& value, const std::string& path, std::string_view only) {
    if (value.get_string() != nullptr && *value.get_string() == only) return std::nullopt;
    return spec::refusal(ErrorCode::kInvalidValue, path, value, only);
}

Refusal check_model(const Json& value, const std::string& path, std::string_view known, std::string_view does) {
    std::string model;
    if (Refusal refused = spec::read_text(value, path, kNameBytesMax, &model)) return refused;
    if (model == known || model == "vcity/" + std::string{known}) return std::nullopt;
    return spec::refusal(ErrorCode::kModelNotFound, path, fmt::format("'{}' does not {}; {} does", model, does, known));
}

Refusal need(const std::string& value, const std::string& name) {
    if (!value.empty()) return std::nullopt;
    return spec::refusal(ErrorCode::kMissingParameter, name, fmt::format("missing required parameter '{}'", name));
}

// --- speech

struct SpeechDraft {
    SpeechRequest request;
    bool has_model = false;
};

Refusal read_voice(const Json& value, const std::string& path, SpeechDraft* out) {
    std::string voice;
    if (Refusal refused = spec::read_text(value, path, kNameBytesMax, &voice)) return refused;
    const std::size_t row = row_of(value, kNamedVoices);
    if (row < kNamedVoices.size()) voice = kNamedVoices[row].second;
    out->request.voice = voice;
    if (is_voice(voice)) return std::nullopt;
    return spec::refusal(ErrorCode::kInvalidValue, path, value,
                         "alloy, echo, fable, onyx, nova, shimmer, auto, or a voice of eSpeak NG such as en or cmn+f3");
}

constexpr Member<SpeechDraft> kSpeech[] = {
    {"model",
     [](const Json& value, const std::string& path, SpeechDraft* out) {
         out->has_model = true;
         return check_model(value, path, kSpeechModel, "speak");
     }},
    {"input",
     [](const Json& value, const std::string& path, SpeechDraft* out) {
         return spec::read_text(value, path, kSpeechInputBytesMax, &out->request.input);
     }},
    {"voice", read_voice},
    {"response_format",
     [](const Json& value, const std::string& path, SpeechDraft* out) -> Refusal {
         const std::size_t row = row_of(value, kSounds);
         if (row == kSounds.size())
             return spec::refusal(ErrorCode::kInvalidValue, path, value, "mp3, opus, aac, flac or wav");
         out->request.format = kSounds[row].first;
         return std::nullopt;
     }},
    {"speed",
     [](const Json& value, const std::string& path, SpeechDraft* out) -> Refusal {
         double speed = 0;
         if (Refusal refused = read_number(value, path, {kSpeedMin, kSpeedMax}, &speed)) return refused;
         out->request.words_per_minute = static_cast<std::uint32_t>(std::lround(kWordsAtOne * speed));
         return std::nullopt;
     }},
    {"stream_format",
     [](const Json& value, const std::string& path, SpeechDraft*) {
         return must_be<SpeechDraft>(value, path, "audio");
     }},
};

// --- images

constexpr Member<ImageRequest> kImage[] = {
    {"model",
     [](const Json& value, const std::string& path, ImageRequest*) {
         return check_model(value, path, kImageModel, "make images");
     }},
    {"prompt",
     [](const Json& value, const std::string& path, ImageRequest* out) {
         return spec::read_text(value, path, kImagePromptBytesMax, &out->prompt);
     }},
    {"n",
     [](const Json& value, const std::string& path, ImageRequest* out) {
         return spec::read_whole(value, path, 1, kImagesMax, &out->count);
     }},
    {"size",
     [](const Json& value, const std::string& path, ImageRequest* out) -> Refusal {
         const std::size_t row = row_of(value, kSizes);
         if (row == kSizes.size())
             return spec::refusal(ErrorCode::kInvalidValue, path, value, "auto, 256x256, 128x128, 64x64 or 32x32");
         out->scale = kSizes[row].second;
         return std::nullopt;
     }},
    {"response_format",
     [](const Json& value, const std::string& path, ImageRequest* out) -> Refusal {
         std::size_t choice = 0;
         constexpr std::array<std::string_view, 2> kAnswers{"url", "b64_json"};
         if (Refusal refused = spec::read_choice(value, path, kAnswers, &choice)) return refused;
         out->answer = choice == 0 ? ImageAnswer::kUrl : ImageAnswer::kBase64;
         return std::nullopt;
     }},
    {"output_format",
     [](const Json& value, const std::string& path, ImageRequest*) {
         return must_be<ImageRequest>(value, path, "png");
     }},
    {"quality",
     [](const Json& value, const std::string& path, ImageRequest*) {
         return must_be<ImageRequest>(value, path, "auto");
     }},
    {"background",
     [](const Json& value, const std::string& path, ImageRequest*) {
         return must_be<ImageRequest>(value, path, "auto");
     }},
    {"user",
     [](const Json& value, const std::string& path, ImageRequest*) {
         std::string unused;
         return spec::read_text(value, path, kImagePromptBytesMax, &unused);
     }},
    {"seed",
     [](const Json& value, const std::string& path, ImageRequest* out) {
         out->has_seed = true;
         return spec::read_whole(value, path, 0, kSeedMax - kImagesMax, &out->seed);
     }},
    {"steps",
     [](const Json& value, const std::string& path, ImageRequest* out) {
         return spec::read_whole(value, path, 1, kStepsMax, &out->steps);
     }},
    {"guidance",
     [](const Json& value, const std::string& path, ImageRequest* out) {
         return read_number(value, path, {1, kGuidanceMax}, &out->guidance);
     }},
};

// --- orders

struct Step {
    codec::JsonArray command;
    std::string prompts;
    double memory_gb = 0;
};

Json order_of(Step step, const MediaTerms& terms) {
    codec::JsonArray steps;
    steps.emplace_back(codec::JsonObject{
        {"name", std::string{kMediaStep}},
        {"program", "generate"},
        {"command", std::move(step.command)},
        {"inputs", codec::JsonObject{{"prompts.jsonl", std::move(step.prompts)}}},
        {"keeps_files", true},
        {"seconds_max", kSecondsMax},
        {"retries", 1},
        {"resources", codec::JsonObject{{"cpus", 1}, {"memory_gb", step.memory_gb}, {"disk_gb", 0.25}}}});
    return codec::JsonObject{{"name", std::string{kMediaStep}},
                             {"budget", to_string(terms.budget)},
                             {"deadline_minutes", terms.minutes},
                             {"steps", std::move(steps)}};
}

}  // namespace

ApiResult<SpeechRequest> parse_speech_request(const Json& body) {
    SpeechDraft draft;
    if (Refusal refused = spec::read_members<SpeechDraft>(body, "", kSpeech, &draft)) return *std::move(refused);
    if (Refusal refused = need(draft.has_model ? "x" : "", "model")) return *std::move(refused);
    if (Refusal refused = need(draft.request.input, "input")) return *std::move(refused);
    return std::move(draft).request;
}

ApiResult<ImageRequest> parse_image_request(const Json& body) {
    ImageRequest request;
    if (Refusal refused = spec::read_members<ImageRequest>(body, "", kImage, &request)) return *std::move(refused);
    if (Refusal refused = need(request.prompt, "prompt")) return *std::move(refused);
    return request;
}

Json speech_order(const SpeechRequest& request, const MediaTerms& terms) {
    codec::JsonObject prompt{{"prompt", request.input}};
    if (!request.voice.empty()) prompt.emplace_back("voice", request.voice);
    Step step;
    step.command = {"speech",
                    "--out",
                    "/job/out",
                    "--prompts",
                    "/job/prompts.jsonl",
                    "--rate",
                    fmt::format("{}", request.words_per_minute),
                    "--format",
                    request.format};
    step.prompts = codec::dump_json(Json{std::move(prompt)}) + "\n";
    // FFmpeg maps many libraries.
    step.memory_gb = request.format == "wav" ? 0.25 : 0.5;
    return order_of(std::move(step), terms);
}

Json image_order(const ImageRequest& request, const MediaTerms& terms) {
    Step step;
    step.command = {"image",
                    "--out",
                    "/job/out",
                    "--prompts",
                    "/job/prompts.jsonl",
                    "--model",
                    std::string{kImageModel},
                    "--steps",
                    fmt::format("{}", request.steps),
                    "--guidance",
                    fmt::format("{}", request.guidance),
                    "--scale",
                    fmt::format("{}", request.scale)};
    for (std::uint32_t index = 0; index < request.count; ++index) {
        const codec::JsonObject prompt{{"prompt", request.prompt}, {"seed", request.seed + index}};
        step.prompts += codec::dump_json(Json{prompt}) + "\n";
    }
    step.memory_gb = 1;
    return order_of(std::move(step), terms);
}

std::string speech_file(const SpeechRequest& request) {
    return "00000." + request.format;
}

std::string image_file(std::uint32_t index) {
    return fmt::format("{:05}.png", index);
}

std::string_view media_type(std::string_view format) {
    for (const auto& [name, type] : kSounds) {
        if (name == format) return type;
    }
    return "application/octet-stream";
}

}  // namespace vcity::gateway
