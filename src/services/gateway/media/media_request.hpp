// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/amount.hpp"
#include "services/gateway/api/api_error.hpp"

namespace vcity::gateway {

inline constexpr std::string_view kSpeechModel = "espeak-ng";
inline constexpr std::string_view kImageModel = "vcity-mini-paint";
// The group of the one step of such a job.
inline constexpr std::string_view kMediaStep = "media";

inline constexpr std::size_t kSpeechInputBytesMax = 16U << 10U;
inline constexpr std::size_t kImagePromptBytesMax = 1000;
inline constexpr std::uint32_t kImagesMax = 8;

// POST /v1/audio/speech (docs/api/media.md).
struct SpeechRequest {
    std::string input;
    std::string voice;           // of eSpeak NG: "en", "cmn+f3", "+m3" (language by the text); empty: by the text
    std::string format = "mp3";  // the ending of the file
    std::uint32_t words_per_minute = 170;  // speed 1

    bool operator==(const SpeechRequest&) const = default;
};

enum class ImageAnswer : std::uint8_t { kUrl, kBase64 };

// POST /v1/images/generations (docs/api/media.md).
struct ImageRequest {
    std::string prompt;
    std::uint32_t count = 1;
    std::uint32_t scale = 8;  // how many times the model's own size
    ImageAnswer answer = ImageAnswer::kUrl;
    std::uint32_t steps = 20;  // of the sampler
    std::uint32_t seed = 0;    // of the first image; the next have the next ones
    bool has_seed = false;     // else the gateway draws one
    double guidance = 3;       // classifier-free, 1: none

    bool operator==(const ImageRequest&) const = default;
};

// Refusals name the field. kModelNotFound: a model that is not one of the two above.
ApiResult<SpeechRequest> parse_speech_request(const codec::Json& body);
ApiResult<ImageRequest> parse_image_request(const codec::Json& body);

// What such a job may cost, and until when it makes sense.
struct MediaTerms {
    Usd budget;
    std::uint32_t minutes = 5;
};
// Bodies of POST /v1/jobs: one step of the program "generate" that leaves its files in /job/out.
codec::Json speech_order(const SpeechRequest& request, const MediaTerms& terms);
codec::Json image_order(const ImageRequest& request, const MediaTerms& terms);

std::string speech_file(const SpeechRequest& request);
std::string image_file(std::uint32_t index);
// Of a file with that ending: "audio/mpeg" of "mp3".
std::string_view media_type(std::string_view format);

}  // namespace vcity::gateway
